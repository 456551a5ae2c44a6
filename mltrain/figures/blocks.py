"""Figures of counts and amounts: confusion matrix, feature importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import PercentFormatter

from mltrain.figures.canvas import BLUE, GREY, INK, drawn, plain
from mltrain.figures.predictions import Predictions
from mltrain.metrics import Floats, confusion_matrix
from mltrain.threshold import decide

_MAX_ROOMY = 6
_MAX_COUNTS = 15
_MAX_SHARES = 40
_MAX_FEATURES = 20


def draw_confusion_matrix(path: Path, predictions: Predictions) -> None:
    """Draw rows by true and decided class; colours are shares of the true class.

    Cells hold counts; from 16 classes on whole percents of the true class, whose rows stand beside its name; from
    41 on colours only.
    """
    n_classes = len(predictions.classes)
    decided = decide(predictions.proba, predictions.threshold)
    counts = confusion_matrix(predictions.y, decided, n_classes=n_classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(4.0 + 0.45 * n_classes, 12.0)
    with drawn(path, width=side + 0.9, height=side) as axes:
        # The root lets few mistakes of a class be seen beside many right decisions.
        picture = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
        ticks = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1]
        bar = axes.figure.colorbar(
            picture, ax=axes, shrink=0.8, label="Share of the true class", ticks=ticks, format=PercentFormatter(1)
        )
        bar.outline.set_visible(False)
        bar.ax.grid(visible=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="Decided class", ylabel="True class", title=_matrix_title(n_classes))
        _name_classes(axes, predictions, counts)
        for row, column in np.ndindex(*counts.shape) if n_classes <= _MAX_SHARES else ():
            text = _cell(int(counts[row, column]), shares[row, column], n_classes=n_classes)
            colour = "white" if shares[row, column] > 0.35 else INK
            size = 10 if n_classes <= _MAX_ROOMY else 8 if n_classes <= _MAX_COUNTS else 7
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _matrix_title(n_classes: int) -> str:
    """Say what is in the cells, where it is not the counts."""
    is_percent = _MAX_COUNTS < n_classes <= _MAX_SHARES
    return "Confusion matrix" + (": percent of the true class's rows" if is_percent else "")


def _name_classes(axes: Axes, predictions: Predictions, counts: Floats) -> None:
    """Put class names on both axes, slanted where they would collide; add row counts that no cell shows."""
    names = [plain(label, limit=18) for label in predictions.classes]
    places = range(0, len(names), -(-len(names) // _MAX_SHARES))
    shown = [names[place] for place in places]
    if sum(len(name) for name in shown) <= 36:
        axes.set_xticks(places, shown)
    else:
        axes.set_xticks(places, shown, rotation=45, ha="right", rotation_mode="anchor")
    totals = counts.sum(axis=1).astype(int)
    is_counted = len(names) <= _MAX_COUNTS
    axes.set_yticks(places, shown if is_counted else [f"{names[place]} ({totals[place]:,})" for place in places])
    if not is_counted:
        axes.set_ylabel("True class (rows)")


def _cell(count: int, share: float, *, n_classes: int) -> str:
    """Return the text of a cell: what there is room for."""
    if n_classes <= _MAX_ROOMY:
        return f"{count:,}\n{share:.1%}"
    if n_classes <= _MAX_COUNTS:
        return f"{count:,}"
    if count == 0:
        return ""
    return f"{100 * share:.0f}" if share >= 0.005 else "<1"


def draw_feature_importance(path: Path, importances: Mapping[str, float]) -> None:
    """Draw the columns whose shuffling costs most, at most twenty, the largest on top."""
    with drawn(path, height=1.7 + 0.26 * min(len(importances), _MAX_FEATURES)) as axes:
        fill_importances(axes, importances)


def fill_importances(axes: Axes, importances: Mapping[str, float]) -> None:
    """Draw a bar for each column into empty axes; grey ones cost nothing."""
    ordered = sorted(importances.items(), key=lambda entry: (-entry[1], entry[0]))[:_MAX_FEATURES]
    values = [value for _, value in ordered]
    colours = [BLUE if value > 0 else GREY for value in values]
    axes.barh(range(len(ordered)), values, color=colours, height=0.7)
    axes.set_yticks(range(len(ordered)), [plain(name) for name, _ in ordered])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=INK, linewidth=0.8)
    _write_values(axes, values)
    left_out = len(importances) - len(ordered)
    more = f" (the first {len(ordered)} of {len(importances)})" if left_out else ""
    what = "Loss of score when the column is shuffled"
    if min(values) <= 0:
        what += "\n(grey: shuffling it did not lower the score)"
    axes.set(xlabel=what, title=f"Feature importance{more}")


def _write_values(axes: Axes, values: Sequence[float]) -> None:
    """Write each value right of its bar; that of a negative one right of zero, away from the column names."""
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    axes.set_xlim(low - (0.04 * span if low < 0 else 0), high + 0.16 * span)
    for place, value in enumerate(values):
        axes.annotate(
            f"{value:.3g}", (max(value, 0), place), xytext=(3, 0), fontsize=8,
            textcoords="offset points", va="center", ha="left", color=INK,
        )  # fmt: skip
