"""Figures of the probabilities themselves: calibration and the spread of scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mltrain.evaluation import calibration_curve
from mltrain.figures.canvas import BLUE, DASHES, GREY, INK, ORANGE, drawn, legend, plain, unit_axes
from mltrain.figures.predictions import Predictions
from mltrain.metrics import CALIBRATION_ERROR, score

_BINS = np.linspace(0, 1, 41).tolist()


def draw_calibration(path: Path, predictions: Predictions) -> None:
    """Draw predicted probabilities against what came true, in bins of equally many rows."""
    curve = calibration_curve(predictions.y, predictions.proba)
    error = score(CALIBRATION_ERROR, predictions.y, predictions.proba)
    with drawn(path) as axes:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHES, label="perfectly calibrated")
        label = f"model: calibration error {error:.3f}"
        axes.plot(curve.predicted, curve.observed, "o-", color=BLUE, markersize=5, label=label)
        unit_axes(axes, x=_axis_name(predictions), y="Share that came true", title="Calibration")
        legend(axes, location="upper left")


def draw_score_histogram(path: Path, predictions: Predictions) -> None:
    """Draw how the probabilities of two classes spread by true class, of more by right and wrong."""
    if predictions.is_binary:
        values, is_second = predictions.proba[:, 1], predictions.y == 1
        names, heading = [plain(label) for label in predictions.classes], "True class"
    else:
        values = predictions.proba.max(axis=1)
        is_second = predictions.proba.argmax(axis=1) != predictions.y
        names, heading = ["right", "wrong"], "Decision"
    groups = [(names[0], ~is_second, BLUE), (names[1], is_second, ORANGE)]
    with drawn(path) as axes:
        for name, chosen, colour in groups:
            weights = np.full(int(chosen.sum()), 1 / max(int(chosen.sum()), 1))
            axes.hist(values[chosen], bins=_BINS, weights=weights, color=colour, alpha=0.6, label=name)
        if predictions.is_binary:
            name = f"threshold {predictions.cut:.3g}"
            axes.axvline(predictions.cut, color=INK, linewidth=1, linestyle=DASHES, label=name)
        axes.set(xlabel=_axis_name(predictions), ylabel="Share of the group's rows", title="Spread of scores")
        axes.set_xlim(0, 1)
        legend(axes, title=heading)


def _axis_name(predictions: Predictions) -> str:
    """Name the probability that is drawn."""
    what = plain(predictions.classes[1]) if predictions.is_binary else "the most probable class"
    return f"Predicted probability of {what}"
