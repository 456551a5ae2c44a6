from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from mltrain.figures.blocks import _cell, draw_confusion_matrix, fill_importances
from mltrain.figures.canvas import CYCLE, STYLES, drawn
from mltrain.figures.classes import class_scores, draw_class_scores
from mltrain.figures.predictions import Predictions
from mltrain.figures.ranked import _draw_classes, _roc_points
from mltrain.metrics import ROC_AUC, confusion_matrix


def predictions(n_classes, *, n_samples=520, absent=()):
    """Make classes that are the easier to tell the higher their code."""
    random = np.random.default_rng(0)
    y = np.arange(n_samples) % n_classes
    odds = random.normal(size=(n_samples, n_classes)) + np.eye(n_classes)[y] * np.linspace(0, 6, n_classes)
    proba = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    keep = ~np.isin(y, absent)
    classes = tuple(f"class {code}" for code in range(n_classes))
    return Predictions(y=y[keep], proba=proba[keep], classes=classes, threshold=None)


def curves(tmp_path, shown):
    with drawn(tmp_path / "roc.png") as axes:
        _draw_classes(axes, shown, metric=ROC_AUC, points=_roc_points)
    return axes.lines


@pytest.mark.parametrize(("n_classes", "n_coloured"), [(2, 1), (3, 3), (8, 8), (9, 6), (26, 6)])
def test_each_class_has_a_curve_and_the_weakest_of_many_a_colour(tmp_path, n_classes, n_coloured):
    shown = predictions(n_classes)

    lines = curves(tmp_path, shown)

    assert len(lines) == len(shown.codes)
    looks = {(line.get_color(), line.get_linestyle()) for line in lines if line.get_color() in CYCLE}
    assert len(looks) == n_coloured


def test_coloured_ones_of_many_are_the_weakest_in_order():
    scores = dict(enumerate([0.9, 0.5, 0.8, 0.7, 0.6, 0.95, 0.5, 0.99, 0.85]))

    assert predictions(9).coloured(scores) == (1, 6, 4, 3, 2, 8)


@pytest.mark.parametrize(("n_classes", "label"), [(26, "the other 20 classes"), (80, "the next 60 of 74")])
def test_legend_says_how_many_have_no_colour(tmp_path, n_classes, label):
    lines = curves(tmp_path, predictions(n_classes))

    assert label in [line.get_label() for line in lines]
    assert len(lines) == min(n_classes, 66)


def test_title_says_how_classes_are_chosen_and_which_are_missing():
    title = predictions(26, absent=(3, 4)).title("ROC curve", ROC_AUC)

    assert title.startswith("ROC curve, each class against the rest\nmean 0.")
    assert title.endswith("; coloured: the 6 weakest of 24 classes; 2 more without rows")


def test_every_colour_has_a_style():
    assert len(CYCLE) == len(STYLES) == len(set(CYCLE))


def test_scores_by_class_are_those_of_scikit_learn():
    shown = predictions(5)
    decided = shown.proba.argmax(axis=1)

    precisions, recalls = class_scores(confusion_matrix(shown.y, decided, n_classes=5))

    assert precisions == pytest.approx(precision_score(shown.y, decided, average=None))
    assert recalls == pytest.approx(recall_score(shown.y, decided, average=None))


def test_scores_of_a_class_without_rows_or_decisions_are_undefined():
    precisions, recalls = class_scores(np.array([[2.0, 0, 2], [0, 0, 0], [0, 0, 0]]))

    assert precisions.tolist() == pytest.approx([1, np.nan, 0], nan_ok=True)
    assert recalls.tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)


@pytest.mark.parametrize("n_classes", [3, 26, 70])
def test_figures_of_any_number_of_classes_are_drawn(tmp_path, n_classes):
    shown = predictions(n_classes, absent=(1,))

    for draw in (draw_class_scores, draw_confusion_matrix):
        draw(tmp_path / f"{draw.__name__}.png", shown)

    assert all(path.stat().st_size > 5_000 for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("count", "share", "n_classes", "text"),
    [
        (1200, 0.25, 2, "1,200\n25.0%"),
        (1200, 0.25, 15, "1,200"),
        (1200, 0.25, 26, "25"),
        (3, 0.004, 26, "<1"),
        (0, 0.0, 26, ""),
    ],
)
def test_cells_of_many_classes_hold_shares(count, share, n_classes, text):
    assert _cell(count, share, n_classes=n_classes) == text


@pytest.mark.parametrize(
    "importances",
    [
        {"tenure": 0.2, "plan": 0.05, "channel": -0.003, "satisfaction": -0.012},
        {"satisfaction": -0.2, "a channel with a very long name": -0.01},
        {"Größe der Wohnung in Quadratmetern": 0.0},
    ],
)
def test_values_of_importances_stay_off_column_names_and_bars(tmp_path, importances):
    with drawn(tmp_path / "importance.png") as axes:
        fill_importances(axes, importances)

    left = axes.get_window_extent().x0
    for bar, value in zip(axes.patches, axes.texts, strict=True):
        box = value.get_window_extent()
        assert box.x0 > left
        assert box.x0 >= bar.get_window_extent().x1
        assert box.x1 <= axes.figure.bbox.x1
