"""Figures of probabilities and decisions: calibration, histogram of scores, confusion matrix, importances."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mltrain.evaluation import calibration_curve
from mltrain.figures.canvas import BLUE, CYCLE, GREY, INK, drawn, legend, plain, unit_axes
from mltrain.figures.predictions import MAX_CLASSES, Predictions
from mltrain.metrics import CALIBRATION_ERROR, confusion_matrix, score
from mltrain.threshold import decide

_DASHES = (0, (4, 4))
_MAX_CELLS = 15
_MAX_FEATURES = 20


def draw_calibration(path: Path, predictions: Predictions) -> None:
    """Draw predicted probabilities against what came true, in bins of equally many rows."""
    curve = calibration_curve(predictions.y, predictions.proba)
    error = score(CALIBRATION_ERROR, predictions.y, predictions.proba)
    what = plain(predictions.classes[1]) if predictions.is_binary else "the most probable class"
    with drawn(path) as axes:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=_DASHES, label="perfectly calibrated")
        label = f"calibration error {error:.3f}"
        axes.plot(curve.predicted, curve.observed, "o-", color=BLUE, markersize=5, label=label)
        unit_axes(axes, x=f"Predicted probability of {what}", y="Share that came true", title="Calibration")
        legend(axes, location="upper left")


def draw_score_histogram(path: Path, predictions: Predictions) -> None:
    """Draw how probabilities are spread, by true class."""
    binary = predictions.is_binary
    values = predictions.proba[:, 1] if binary else predictions.proba.max(axis=1)
    what = plain(predictions.classes[1]) if binary else "the most probable class"
    is_first = predictions.y != 1 if binary else predictions.proba.argmax(axis=1) == predictions.y
    names = [plain(label) for label in predictions.classes] if binary else ["right", "wrong"]
    with drawn(path) as axes:
        for name, chosen, colour in zip(names, (is_first, ~is_first), CYCLE[:2], strict=True):
            if chosen.any():
                share = np.full(int(chosen.sum()), 1 / chosen.sum())
                axes.hist(values[chosen], bins=np.linspace(0, 1, 41), weights=share, color=colour, alpha=0.6, label=name)
        if binary:
            axes.axvline(predictions.cut, color=INK, linewidth=1, linestyle=_DASHES, label=f"threshold {predictions.cut:.3g}")
        axes.set(xlabel=f"Predicted probability of {what}", ylabel="Share of the group's rows", xlim=(0, 1), title="Distribution of scores")
        legend(axes, title="True class" if binary else "Decision")


def draw_confusion_matrix(path: Path, predictions: Predictions) -> None:
    """Draw rows by true and decided class; colours are shares of the true class."""
    n_classes = len(predictions.classes)
    decided = decide(predictions.proba, predictions.threshold)
    counts = confusion_matrix(predictions.y, decided, n_classes=n_classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [plain(label, limit=16) for label in predictions.classes]
    side = min(4.2 + 0.45 * n_classes, 11.0)
    with drawn(path, width=side + 0.8, height=side) as axes:
        picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.figure.colorbar(picture, ax=axes, shrink=0.8, label="Share of the true class").outline.set_visible(False)
        axes.grid(visible=False)
        axes.set(xlabel="Decided", ylabel="True", title="Confusion matrix")
        step = max(1, -(-n_classes // 40))
        places = range(0, n_classes, step)
        axes.set_xticks(places, [names[place] for place in places], rotation=0 if n_classes <= 3 else 45, ha="center" if n_classes <= 3 else "right", rotation_mode="anchor")
        axes.set_yticks(places, [names[place] for place in places])
        if n_classes <= _MAX_CELLS:
            _write_cells(axes, counts, shares)


def draw_feature_importance(path: Path, importances: Mapping[str, float], *, metric: str | None = None) -> None:
    """Draw the most important columns as bars, the largest on top."""
