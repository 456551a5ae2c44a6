"""What the decisions are worth for each class, the rare ones included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from mltrain.figures.canvas import BLUE, GREY, ORANGE, plain, sheet
from mltrain.figures.predictions import Predictions
from mltrain.metrics import Floats, confusion_matrix
from mltrain.threshold import decide

_MAX_CLASSES = 60


def draw_class_scores(path: Path, predictions: Predictions) -> None:
    """Draw precision and recall of every class, the rarest on top; of very many, the sixty rarest."""
    decided = decide(predictions.proba, predictions.threshold)
    counts = confusion_matrix(predictions.y, decided, n_classes=len(predictions.classes))
    order = np.argsort(counts.sum(axis=1), kind="stable")[:_MAX_CLASSES]
    precisions, recalls = class_scores(counts)
    with sheet(path, height=1.9 + 0.24 * len(order)) as figure:
        axes = figure.add_subplot()
        rows = range(len(order))
        axes.hlines(rows, precisions[order], recalls[order], color="#c3c8cf", linewidth=2.5, zorder=2)
        axes.plot(recalls[order], rows, "o", color=BLUE, markersize=7, label="recall", zorder=3)
        axes.plot(precisions[order], rows, "D", color=ORANGE, markersize=4.5, label="precision", zorder=4)
        _say_undefined(axes, precisions[order], recalls[order])
        names = [plain(predictions.classes[code]) for code in order]
        totals = counts.sum(axis=1).astype(int)[order]
        axes.set_yticks(rows, [f"{name} ({n:,})" for name, n in zip(names, totals, strict=True)])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlim(-0.02, 1.02)
        left_out = len(predictions.classes) - len(order)
        which = f"the {len(order)} rarest of {len(predictions.classes)}" if left_out else "the rarest on top"
        axes.set(xlabel="Score", ylabel="Class (rows)", title=f"Precision and recall by class, {which}")
        figure.legend(loc="outside lower center", ncols=2)


def class_scores(counts: Floats) -> tuple[Floats, Floats]:
    """Return precision and recall of each class, NaN where no row was decided for it or belongs to it.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, n_classes)
        Rows are true classes, columns decided ones.
    """
    hits, n_decided, n_true = np.diag(counts).astype(float), counts.sum(axis=0), counts.sum(axis=1)
    precisions = np.where(n_decided > 0, hits / np.maximum(n_decided, 1), np.nan)
    return precisions, np.where(n_true > 0, hits / np.maximum(n_true, 1), np.nan)


def _say_undefined(axes: Axes, precisions: Floats, recalls: Floats) -> None:
    """Write why a point is missing."""
    for place, (precision, recall) in enumerate(zip(precisions, recalls, strict=True)):
        reasons = [
            *(["no rows"] if np.isnan(recall) else []),
            *(["never decided for"] if np.isnan(precision) else []),
        ]
        if reasons:
            axes.text(0.5, place, ", ".join(reasons), ha="center", va="center", fontsize=8, color=GREY)
