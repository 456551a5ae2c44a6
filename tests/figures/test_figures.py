from __future__ import annotations

import struct
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from mltrain.figures import TrialPoint, draw_evaluation, draw_learning_curve, draw_search
from mltrain.figures.blocks import draw_confusion_matrix, draw_feature_importance
from mltrain.figures.canvas import plain
from mltrain.figures.predictions import Predictions
from mltrain.figures.ranked import _precision_recall_points, _roc_points, draw_roc

ALWAYS = ["roc", "precision_recall", "calibration", "confusion_matrix", "score_histogram"]


def predictions(n_classes, n_samples=120):
    random = np.random.default_rng(0)
    y = np.arange(n_samples) % n_classes
    odds = random.normal(size=(n_samples, n_classes)) + np.eye(n_classes)[y]
    return y, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


def names(paths):
    return [path.stem for path in paths]


def size(path):
    """Read width and height from a PNG header."""
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", header[16:24])


def test_two_classes_get_all_figures(tmp_path):
    y, proba = predictions(2)

    paths = draw_evaluation(
        tmp_path / "figures", y=y, proba=proba, classes=(False, True), threshold=0.3, importances={"age": 0.1}
    )

    assert names(paths) == [*ALWAYS, "threshold_curve", "feature_importance"]
    assert all(min(size(path)) > 200 for path in paths)


def test_more_classes_have_no_threshold_to_draw(tmp_path):
    y, proba = predictions(3)

    paths = draw_evaluation(tmp_path, y=y, proba=proba, classes=("a", "b", "c"), threshold=None, importances={})

    assert names(paths) == [*ALWAYS, "class_scores"]


@pytest.mark.parametrize("classes", [("$a_b$", "日本 ✓"), ("", "x" * 200), (-1, 7), ("line\nbreak", "Größe")])
def test_any_label_is_drawn_without_a_warning(tmp_path, classes):
    y, proba = predictions(2)
    path = tmp_path / "figure.png"

    draw_confusion_matrix(path, Predictions(y=y, proba=proba, classes=classes, threshold=None))

    assert min(size(path)) > 200


def test_any_column_name_is_drawn_without_a_warning(tmp_path):
    path = tmp_path / "figure.png"

    draw_feature_importance(path, {"$\\frac$": 0.1, "π ∈ Größe": -0.2, "": 0.0, "語" * 40: 1e-9})

    assert min(size(path)) > 200


def test_rows_of_one_class_are_drawn(tmp_path):
    _, proba = predictions(2)
    y = np.zeros(len(proba), dtype=np.int64)

    assert draw_evaluation(tmp_path, y=y, proba=proba, classes=("no", "yes"), threshold=None, importances={})


def test_same_predictions_give_the_same_bytes(tmp_path):
    y, proba = predictions(2)
    shown = Predictions(y=y, proba=proba, classes=("no", "yes"), threshold=0.4)

    for name in ("one.png", "two.png"):
        draw_roc(tmp_path / name, shown)

    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_settings_of_the_user_stay_and_have_no_say(tmp_path):
    y, proba = predictions(2)
    kept = {"lines.linewidth": 9.0, "savefig.dpi": 30}

    with mpl.rc_context(kept):
        path = tmp_path / "figure.png"
        draw_roc(path, Predictions(y=y, proba=proba, classes=(0, 1), threshold=None))

        assert {key: mpl.rcParams[key] for key in kept} == kept
    assert size(path) == (768, 576)


def test_points_of_the_roc_curve_by_hand():
    false_rate, true_rate = _roc_points(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))

    assert false_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    assert true_rate.tolist() == [0, 0.5, 0.5, 1, 1]


def test_points_of_precision_and_recall_join_tied_rows():
    recall, precision = _precision_recall_points(np.array([True, False, True]), np.array([0.5, 0.5, 0.9]))

    assert recall.tolist() == [0.5, 1.0]
    assert precision.tolist() == [1.0, pytest.approx(2 / 3)]


def test_text_is_shortened_and_drawn_as_it_is():
    assert plain("costs $5") == r"costs \$5"
    assert plain("a" * 40 + "b" * 40) == "a" * 18 + "…" + "b" * 9
    assert plain("語" * 14) == plain("語" * 14, limit=99)
    assert len(plain("語" * 15)) == 9 + 1 + 4
    assert plain(" two\n lines ") == "two lines"


def point(number, score, state="complete"):
    return TrialPoint(number=number, state=state, score=score, params={})


@pytest.mark.parametrize("trials", [[], [point(0, None, "failed")], [point(0, float("nan"))]])
def test_no_history_without_a_score(tmp_path, trials):
    assert draw_search(tmp_path, trials=trials, metric="f1", greater_is_better=True) == ()


@pytest.mark.parametrize("train", [(0.6, 0.4, 0.3), ()])
def test_learning_curve_is_drawn(tmp_path, train):
    path = draw_learning_curve(tmp_path, rounds=(1, 5, 9), train_losses=train, valid_losses=(0.6, 0.5, 0.55))

    assert path.name == "learning_curve.png"
    assert size(path) == (768, 576)


def test_pyplot_is_never_imported():
    program = "import sys, mltrain.figures; sys.exit('matplotlib.pyplot' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
