"""Figures of counts and amounts: confusion matrix, feature importance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from mltrain.figures.canvas import BLUE, INK, drawn, plain
from mltrain.figures.predictions import Predictions
from mltrain.metrics import Floats, confusion_matrix
from mltrain.threshold import decide

_MAX_CELLS = 15
_MAX_TICKS = 40
_MAX_FEATURES = 20


def draw_confusion_matrix(path: Path, predictions: Predictions) -> None:
    """Draw rows by true and decided class; colours are shares of the true class."""
    n_classes = len(predictions.classes)
    decided = decide(predictions.proba, predictions.threshold)
    counts = confusion_matrix(predictions.y, decided, n_classes=n_classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(4.0 + 0.45 * n_classes, 11.0)
    with drawn(path, width=side + 0.9, height=side) as axes:
        picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        bar = axes.figure.colorbar(picture, ax=axes, shrink=0.8, label="Share of the true class")
        bar.outline.set_visible(False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="Decided class", ylabel="True class", title="Confusion matrix")
        _name_classes(axes, [plain(label, limit=18) for label in predictions.classes])
        if n_classes <= _MAX_CELLS:
            _write_cells(axes, counts, shares)


def _name_classes(axes: Axes, names: list[str]) -> None:
    """Put class names on both axes, slanted where they would collide."""
    places = range(0, len(names), -(-len(names) // _MAX_TICKS))
    shown = [names[place] for place in places]
    is_short = sum(len(name) for name in shown) <= 36
    axes.set_xticks(
        places, shown, rotation=0 if is_short else 45, ha="center" if is_short else "right",
        rotation_mode="anchor" if not is_short else "default",
    )  # fmt: skip
    axes.set_yticks(places, shown)


def _write_cells(axes: Axes, counts: Floats, shares: Floats) -> None:
    """Write the count and, where there is room, the share into each cell."""
    is_roomy = len(counts) <= 6
    for row, column in np.ndindex(*counts.shape):
        text = f"{int(counts[row, column]):,}"
        if is_roomy:
            text += f"\n{shares[row, column]:.1%}"
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=10 if is_roomy else 8)


def draw_feature_importance(path: Path, importances: Mapping[str, float]) -> None:
    """Draw the columns whose shuffling costs most, at most twenty, the largest on top."""
    ordered = sorted(importances.items(), key=lambda entry: (-entry[1], entry[0]))[:_MAX_FEATURES]
    values = [value for _, value in ordered]
    with drawn(path, height=1.6 + 0.26 * len(ordered)) as axes:
        axes.barh(range(len(ordered)), values, color=BLUE, height=0.7)
        axes.set_yticks(range(len(ordered)), [plain(name) for name, _ in ordered])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.margins(x=0.12)
        for place, value in enumerate(values):
            side = "left" if value >= 0 else "right"
            axes.annotate(
                f"{value:.3g}", (value, place), xytext=(3 if value >= 0 else -3, 0), fontsize=8,
                textcoords="offset points", va="center", ha=side, color=INK,
            )  # fmt: skip
        left_out = len(importances) - len(ordered)
        more = f" (the first {len(ordered)} of {len(importances)})" if left_out else ""
        axes.set(xlabel="Loss of score when the column is shuffled", title=f"Feature importance{more}")
