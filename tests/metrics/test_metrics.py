from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from mltrain import plugins
from mltrain.errors import UsageError
from mltrain.metrics import BUILT_IN, default_metric, is_better, resolve, score
from mltrain.testing.metric import check_metric

NEEDS_D2 = pytest.mark.skipif(
    "d2_log_loss_score" not in reference.get_scorer_names(), reason="this scikit-learn has no scorer d2_log_loss_score"
)
# Different orders of summation, nothing more.
TOLERANCE = 1e-12


def predictions(n_samples=500, n_classes=2, seed=0, decimals=2):
    """Rounded probabilities: many rows are tied."""
    random = np.random.default_rng(seed)
    y = random.integers(0, n_classes, n_samples)
    odds = random.normal(size=(n_samples, n_classes))
    odds[np.arange(n_samples), y] += 1.0
    proba = np.round(np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True), decimals) + 1e-3
    return y, proba / proba.sum(axis=1, keepdims=True)


BINARY = {
    "roc_auc": lambda y, p: reference.roc_auc_score(y, p[:, 1]),
    "average_precision": lambda y, p: reference.average_precision_score(y, p[:, 1]),
    "log_loss": reference.log_loss,
    "brier": lambda y, p: reference.brier_score_loss(y, p[:, 1]),
}
MULTICLASS = {
    "roc_auc": lambda y, p: reference.roc_auc_score(y, p, multi_class="ovr", average="macro"),
    "average_precision": lambda y, p: reference.average_precision_score(y, p, average="macro"),
    "log_loss": reference.log_loss,
    "brier": lambda y, p: np.mean(np.square(p - np.eye(p.shape[1])[y]).sum(axis=1)),
}
LABELS = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "precision": lambda y, d: reference.precision_score(y, d, average=average(y), zero_division=0),
    "recall": lambda y, d: reference.recall_score(y, d, average=average(y), zero_division=0),
    "f1": lambda y, d: reference.f1_score(y, d, average=average(y), zero_division=0),
    "fbeta_score": lambda y, d: reference.fbeta_score(y, d, beta=0.5, average=average(y), zero_division=0),
    "mcc": reference.matthews_corrcoef,
}


def average(y):
    return "binary" if y.max() == 1 else "macro"


@pytest.mark.parametrize("name", BINARY)
def test_metric_of_two_classes_agrees_with_scikit_learn(name):
    y, proba = predictions()

    assert score(resolve(name, n_classes=2), y, proba) == pytest.approx(BINARY[name](y, proba), abs=TOLERANCE)


@pytest.mark.parametrize("name", MULTICLASS)
def test_metric_of_four_classes_agrees_with_scikit_learn(name):
    y, proba = predictions(n_classes=4)

    value = score(resolve(name, n_classes=4), y, proba)

    assert value == pytest.approx(MULTICLASS[name](y, proba), abs=TOLERANCE)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("name", LABELS)
def test_metric_of_decisions_agrees_with_scikit_learn(name, n_classes):
    y, proba = predictions(n_classes=n_classes)
    decided = proba.argmax(axis=1) if n_classes > 2 else (proba[:, 1] >= 0.4).astype(int)

    value = score(resolve(name, beta=0.5, n_classes=n_classes), y, proba, threshold=0.4)

    assert value == pytest.approx(LABELS[name](y, decided), abs=TOLERANCE)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_metric_keeps_the_contract(name, n_classes):
    check_metric(resolve(name, beta=2.0, n_classes=n_classes), n_classes=n_classes)


@pytest.mark.parametrize(
    "name", ["f1_macro", "jaccard_weighted", "roc_auc_ovo", pytest.param("d2_log_loss_score", marks=NEEDS_D2)]
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scorer_of_scikit_learn_keeps_the_contract(name, n_classes):
    check_metric(resolve(name, n_classes=n_classes), n_classes=n_classes)


def test_scorer_gives_what_scikit_learn_gives():
    y, proba = predictions(n_classes=3)

    value = score(resolve("top_k_accuracy", n_classes=3), y, proba)

    assert value == reference.top_k_accuracy_score(y, proba)


@pytest.mark.parametrize("name", ["f1_weighted", "jaccard_macro", "precision_micro", "recall_macro"])
def test_scorer_of_decisions_gives_what_scikit_learn_gives(name):
    y, proba = predictions(n_classes=4)
    scorer = reference.get_scorer(name)

    value = score(resolve(name, n_classes=4), y, proba)

    expected = scorer._score_func(y, proba.argmax(axis=1), **scorer._kwargs)
    assert value == pytest.approx(expected, abs=TOLERANCE)


@NEEDS_D2
def test_scorer_does_not_mind_a_class_that_is_absent():
    y, proba = predictions(n_classes=3)
    y = np.minimum(y, 1)

    assert np.isfinite(score(resolve("d2_log_loss_score", n_classes=3), y, proba))


@pytest.mark.parametrize("name", ["r2", "neg_mean_squared_error", "adjusted_rand_score", "nonsense"])
def test_scorer_for_other_tasks_is_unknown(name):
    with pytest.raises(UsageError, match=f"no metric is called '{name}'"):
        resolve(name, n_classes=2)


def test_unknown_name_brings_the_nearest_one():
    with pytest.raises(UsageError) as caught:
        resolve("roc_acu", n_classes=2)

    assert caught.value.hint == "did you mean 'roc_auc'?"


@pytest.mark.parametrize(("name", "n_classes"), [("jaccard", 3), ("top_k_accuracy", 2)])
def test_scorer_that_cannot_serve_the_classes_is_refused(name, n_classes):
    with pytest.raises(UsageError, match=f"'{name}' cannot score {n_classes} classes"):
        resolve(name, n_classes=n_classes)


@pytest.mark.parametrize(
    ("alias", "name"), [("auc", "roc_auc"), ("fbeta", "fbeta_score"), ("ece", "calibration_error")]
)
def test_other_names_lead_to_the_same_metric(alias, name):
    assert resolve(alias, n_classes=2).name == name


def test_fbeta_carries_its_beta():
    assert resolve("fbeta_score", beta=0.5, n_classes=2).beta == 0.5


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_ranking_metric_is_not_defined_without_positive_rows(name):
    y, proba = np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5)

    assert np.isnan(score(resolve(name, n_classes=2), y, proba))


def test_absent_class_is_left_out_of_the_mean_over_classes():
    y, proba = predictions(n_classes=3)
    seen = y < 2

    value = score(resolve("roc_auc", n_classes=3), y[seen], proba[seen])

    sides = [reference.roc_auc_score(y[seen] == code, proba[seen, code]) for code in (0, 1)]
    assert value == pytest.approx(np.mean(sides), abs=TOLERANCE)


def test_sample_without_the_third_class_is_still_scored_as_three_classes():
    metric = resolve("precision", n_classes=3)

    assert metric.function(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])) == pytest.approx((2 / 3 + 1) / 2)


def test_metric_of_decisions_without_threshold_is_scored_at_the_best_one():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.25, 0.3])

    assert score(resolve("accuracy", n_classes=2), y, np.column_stack([1 - p, p])) == 1.0


def test_calibration_error_of_two_bins_by_hand():
    p = np.repeat([0.2, 0.9], 100)
    y = np.concatenate([np.arange(100) < 30, np.arange(100) < 80]).astype(np.int64)

    value = score(resolve("calibration_error", n_classes=2), y, np.column_stack([1 - p, p]))

    assert value == pytest.approx((abs(0.3 - 0.2) + abs(0.8 - 0.9)) / 2)


def test_calibration_error_of_more_classes_looks_at_the_most_probable_one():
    proba = np.tile([0.6, 0.3, 0.1], (50, 1))
    y = np.repeat([0, 1], [40, 10])

    assert score(resolve("calibration_error", n_classes=3), y, proba) == pytest.approx(0.8 - 0.6)


def test_log_loss_of_a_certain_error_is_finite():
    y, proba = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]])

    assert score(resolve("log_loss", n_classes=2), y, proba) == pytest.approx(-np.log(2.0**-52) / 2)


@pytest.mark.parametrize(("n_classes", "name"), [(2, "roc_auc"), (3, "log_loss")])
def test_default_metric_depends_on_the_number_of_classes(n_classes, name):
    assert default_metric(n_classes) == name


@pytest.mark.parametrize(
    ("name", "a", "b", "expected"),
    [
        ("roc_auc", 0.9, 0.8, True),
        ("log_loss", 0.9, 0.8, False),
        ("log_loss", 0.8, 0.9, True),
        ("roc_auc", 0.8, 0.8, False),
        ("roc_auc", 0.1, float("nan"), True),
        ("log_loss", float("nan"), 0.1, False),
        ("log_loss", float("nan"), float("nan"), False),
    ],
)
def test_direction_decides_which_score_is_better(name, a, b, expected):
    assert is_better(resolve(name, n_classes=2), a, b) is expected


PLUGIN = """
from mltrain.metrics import Metric

def profit(y, decided):
    return float((5.0 * y * decided - decided).sum())

PROFIT = Metric(name="profit", needs="labels", greater_is_better=True, function=profit, multiclass=False)

def weighted_profit(*, n_classes, beta):
    return Metric(name="weighted_profit", needs="labels", greater_is_better=True, function=profit, beta=beta)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a metric of somebody else."""
    package = tmp_path / "profit-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: profit\nVersion: 1.0\n")
    entries = "profit = profit_metric:PROFIT\nweighted_profit = profit_metric:weighted_profit\n"
    (package / "entry_points.txt").write_text(f"[mltrain.metrics]\n{entries}")
    (tmp_path / "profit_metric.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    plugins._entry_points.cache_clear()
    yield
    plugins._entry_points.cache_clear()


@pytest.mark.usefixtures("plugin")
def test_metric_of_somebody_else_is_found_and_kept_to_the_contract():
    metric = resolve("profit", n_classes=2)

    assert metric.function(np.array([1, 1, 0]), np.array([1, 0, 1])) == 3.0
    check_metric(metric, n_classes=2)


@pytest.mark.usefixtures("plugin")
def test_factory_of_somebody_else_gets_beta():
    assert resolve("weighted_profit", beta=0.5, n_classes=3).beta == 0.5


@pytest.mark.usefixtures("plugin")
def test_metric_for_two_classes_refuses_three():
    with pytest.raises(UsageError, match="'profit' serves two classes, the target has 3"):
        resolve("profit", n_classes=3)
