"""Curves of ranked scores: ROC, precision-recall, and what each threshold would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mltrain.figures.canvas import (
    BLUE,
    CYCLE,
    DASHES,
    GREEN,
    GREY,
    INK,
    LEGEND_INSIDE,
    ORANGE,
    STYLES,
    drawn,
    legend,
    plain,
    unit_axes,
)
from mltrain.figures.predictions import Predictions
from mltrain.metrics import AVERAGE_PRECISION, F1, PRECISION, RECALL, ROC_AUC, Floats, Metric, sweep

_MAX_POINTS = 2_000
_MAX_OTHERS = 60
_BY_THRESHOLD = (("precision", PRECISION, BLUE), ("recall", RECALL, ORANGE), ("F1", F1, GREEN))


def draw_roc(path: Path, predictions: Predictions) -> None:
    """Draw the ROC curve of the positive class, or of each class against the rest."""
    with drawn(path, width=_width(predictions)) as axes:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHES)
        _draw_classes(axes, predictions, metric=ROC_AUC, points=_roc_points)
        _mark(axes, predictions, x="false positive rate", y="recall")
        title = predictions.title("ROC curve", ROC_AUC)
        unit_axes(axes, x="False positive rate", y="True positive rate", title=title)
        legend(axes, location="lower right", title="Area under the curve")


def draw_precision_recall(path: Path, predictions: Predictions) -> None:
    """Draw precision against recall of the positive class, or of each class against the rest."""
    with drawn(path, width=_width(predictions)) as axes:
        if predictions.is_binary:
            axes.axhline(np.mean(predictions.y == 1), color=GREY, linewidth=1, linestyle=DASHES)
        _draw_classes(axes, predictions, metric=AVERAGE_PRECISION, points=_precision_recall_points)
        _mark(axes, predictions, x="recall", y="precision")
        title = predictions.title("Precision and recall", AVERAGE_PRECISION)
        unit_axes(axes, x="Recall", y="Precision", title=title)
        legend(axes, location="lower left", title="Average precision")


def draw_threshold_curve(path: Path, predictions: Predictions) -> None:
    """Draw precision, recall and F1 of the positive class by threshold."""
    positive = plain(predictions.classes[1])
    with drawn(path) as axes:
        for name, make, colour in _BY_THRESHOLD:
            swept = sweep(make(n_classes=2), predictions.y, positive_proba=predictions.proba[:, 1])
            keep = _thinned(len(swept.thresholds) - 1)  # the last one decides for none
            axes.plot(swept.thresholds[keep], swept.scores[keep], color=colour, label=name)
        axes.axvline(predictions.cut, color=INK, linewidth=1, linestyle=DASHES)
        axes.annotate(
            f"threshold {predictions.cut:.3g}", (predictions.cut, 1.0), xytext=(4, 2), fontsize=9,
            textcoords="offset points", color=INK, ha="left" if predictions.cut < 0.7 else "right",
        )  # fmt: skip
        unit_axes(axes, x=f"Threshold on the probability of {positive}", y="Score", title="Effect of the threshold\n")
        legend(axes)


def _width(predictions: Predictions) -> float:
    """Return inches; a legend beside the axes needs its own."""
    return 6.4 if len(predictions.codes) <= LEGEND_INSIDE else 8.8


def _draw_classes(
    axes: Axes,
    predictions: Predictions,
    *,
    metric: Metric,
    points: Callable[[NDArray[np.bool_], Floats], tuple[Floats, Floats]],
) -> None:
    """Draw a curve for each class: the coloured ones by name; others, at most sixty, in grey behind them."""
    scores = {code: predictions.score_against_rest(metric, code) for code in predictions.codes}
    coloured = predictions.coloured(scores)
    for place, code in enumerate(coloured):
        label = f"{plain(predictions.classes[code])}: {scores[code]:.3f}"
        x, y = points(*predictions.against_rest(code))
        axes.plot(x, y, color=CYCLE[place], linestyle=STYLES[place], label=label, zorder=3)
    others = sorted(set(scores) - set(coloured), key=lambda code: (scores[code], code))
    label = f"the other {len(others)} classes"
    if len(others) > _MAX_OTHERS:
        label = f"the next {_MAX_OTHERS} of {len(others)}"
    for code in others[:_MAX_OTHERS]:
        axes.plot(*points(*predictions.against_rest(code)), color="#c3c8cf", linewidth=0.8, label=label)
        label = ""


def _mark(axes: Axes, predictions: Predictions, *, x: str, y: str) -> None:
    """Mark where the threshold of two classes puts the model."""
    if not predictions.is_binary:
        return
    rates = _rates(predictions)
    label = f"threshold {predictions.cut:.3g}"
    axes.plot([rates[x]], [rates[y]], "o", color=INK, markersize=7, markeredgecolor="white", label=label, zorder=5)


def _rates(predictions: Predictions) -> dict[str, float]:
    """Return what the threshold gives."""
    is_hit, is_decided = predictions.y == 1, predictions.proba[:, 1] >= predictions.cut
    return {
        "false positive rate": float(is_decided[~is_hit].mean()) if (~is_hit).any() else 0.0,
        "recall": float(is_decided[is_hit].mean()) if is_hit.any() else 0.0,
        "precision": float(is_hit[is_decided].mean()) if is_decided.any() else 0.0,
    }


def _roc_points(is_hit: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Return false and true positive rates of all cuts, thinned."""
    hits, misses = _counts_above(is_hit, scores)
    return misses / max(misses[-1], 1), hits / max(hits[-1], 1)


def _precision_recall_points(is_hit: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Return recall and precision of all cuts that decide for a row, thinned."""
    hits, misses = _counts_above(is_hit, scores)
    return hits[1:] / max(hits[-1], 1), hits[1:] / (hits[1:] + misses[1:])


def _counts_above(is_hit: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Return how many rows of the class and of the rest lie above each cut, highest cut first."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    ends = ends[_thinned(len(ends))]
    hits = np.cumsum(is_hit[order])[ends]
    return np.append(0.0, hits), np.append(0.0, ends + 1 - hits)


def _thinned(n_points: int) -> NDArray[np.intp]:
    """Return positions of at most 2,000 points, both ends included."""
    return np.unique(np.linspace(0, n_points - 1, min(n_points, _MAX_POINTS)).astype(np.intp))
