from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import get_scorer_names

from mltrain.evaluation.bootstrap import n_affordable, percentile_ends, resampled_scores, standard_error
from mltrain.metrics import BUILT_IN, resolve
from mltrain.threshold import decide


def predictions(n_samples=150, n_classes=2, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, n_classes, n_samples)
    odds = np.round(random.normal(size=(n_samples, n_classes)) + np.eye(n_classes)[y], 1)
    return y, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "calibration_error"])
def test_resamples_are_scored_as_if_their_rows_were_copied(name, n_classes):
    y, proba = predictions(n_classes=n_classes)
    metric = resolve(name, n_classes=n_classes)

    scores = resampled_scores([metric], y, proba=proba, threshold=0.4, n_bootstrap=20, seed=1)[name]

    random = np.random.default_rng(1)
    predicted = proba if metric.needs == "proba" else decide(proba, 0.4)
    for value in scores:
        drawn = random.integers(0, len(y), size=len(y))
        # Sums in another order.
        assert value == pytest.approx(metric.function(y[drawn], predicted[drawn]), abs=1e-10)


@pytest.mark.skipif("d2_log_loss_score" not in get_scorer_names(), reason="this scikit-learn has no such scorer")
def test_metric_that_is_only_a_function_is_scored_on_the_same_rows():
    y, proba = predictions()
    fast, slow = resolve("log_loss", n_classes=2), resolve("d2_log_loss_score", n_classes=2)

    scores = resampled_scores([fast, slow], y, proba=proba, threshold=None, n_bootstrap=20, seed=1)

    random = np.random.default_rng(1)
    drawn = random.integers(0, len(y), size=len(y))
    assert scores["d2_log_loss_score"][0] == pytest.approx(slow.function(y[drawn], proba[drawn]))
    assert scores["log_loss"][0] == pytest.approx(fast.function(y[drawn], proba[drawn]))


def test_seed_alone_decides_which_rows_are_drawn():
    y, proba = predictions()
    metrics = [resolve("roc_auc", n_classes=2)]

    first, again, other = (
        resampled_scores(metrics, y, proba=proba, threshold=None, n_bootstrap=30, seed=seed)["roc_auc"]
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_resamples_that_lost_a_class_are_left_out():
    y, proba = predictions(n_samples=6)
    y = np.array([1, 0, 0, 0, 0, 0])

    scores = resampled_scores(
        [resolve("roc_auc", n_classes=2)], y, proba=proba, threshold=None, n_bootstrap=200, seed=0
    )["roc_auc"]

    # A resample of 6 rows misses a given row with probability (5/6)^6 = 0.335; 200 draws: standard error 0.033.
    assert np.isnan(scores).mean() == pytest.approx(0.335, abs=0.12)
    assert np.isfinite(percentile_ends(scores, confidence=0.95)).all()


def test_interval_of_undefined_scores_is_undefined():
    assert np.isnan(percentile_ends(np.full(5, np.nan), confidence=0.9)).all()


def test_percentile_ends_by_hand():
    assert percentile_ends(np.arange(101.0), confidence=0.9) == pytest.approx((5.0, 95.0))


@pytest.mark.parametrize(
    ("n_samples", "is_fast", "expected"),
    [(1_000, True, 1_000), (43_000, True, 1_000), (500_000, True, 100), (50_000_000, True, 50), (30_000, False, 100)],
)
def test_many_rows_get_fewer_resamples(n_samples, is_fast, expected):
    assert n_affordable(1_000, n_samples, is_fast=is_fast) == expected


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "roc_auc"])
@pytest.mark.parametrize("n_samples", [400, 20_000])
def test_standard_error_is_how_far_scores_of_other_rows_lie_apart(name, n_samples):
    metric = resolve(name, n_classes=2)
    others = []
    for seed in range(60):
        y, proba = predictions(n_samples=n_samples, seed=seed)
        others.append(metric.function(y, proba if metric.needs == "proba" else decide(proba, 0.5)))
    y, proba = predictions(n_samples=n_samples, seed=60)

    error = standard_error(metric, y, proba=proba, threshold=None, seed=0)

    assert error == pytest.approx(np.std(others, ddof=1), rel=0.35)
    assert error == standard_error(metric, y, proba=proba, threshold=None, seed=0)


def test_standard_error_of_a_score_that_is_never_defined_is_unknown():
    y, proba = np.zeros(50, dtype=np.int64), np.full((50, 2), 0.5)

    assert np.isnan(standard_error(resolve("roc_auc", n_classes=2), y, proba=proba, threshold=None, seed=0))
