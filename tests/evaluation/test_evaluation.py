from __future__ import annotations

import numpy as np
import pytest

from mltrain.evaluation import calibration_curve, evaluate
from mltrain.metrics import BUILT_IN, resolve


def judge(y, proba, *, names=tuple(BUILT_IN), threshold=0.5, n_bootstrap=100, seed=0):
    n_classes = proba.shape[1]
    return evaluate(
        y,
        proba,
        classes=[f"class {code}" for code in range(n_classes)],
        threshold=threshold,
        metrics=[resolve(name, n_classes=n_classes) for name in names],
        n_bootstrap=n_bootstrap,
        confidence=0.95,
        seed=seed,
    )


def noisy(n_samples=400, n_classes=2, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, n_classes, n_samples)
    odds = random.normal(size=(n_samples, n_classes)) + np.eye(n_classes)[y]
    return y, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_interval_holds_its_value(n_classes):
    found = judge(*noisy(n_classes=n_classes))

    assert set(found.metrics) == set(BUILT_IN)
    assert all(one.low <= one.value <= one.high for one in found.metrics.values())


def test_interval_of_accuracy_is_that_of_a_binomial_share():
    y = np.arange(1_000) % 2
    p = np.where(np.arange(1_000) < 800, y, 1 - y) * 0.8 + 0.1

    found = judge(y, np.column_stack([1 - p, p]), names=["accuracy"], n_bootstrap=2_000).metrics["accuracy"]

    spread = 1.96 * np.sqrt(0.8 * 0.2 / 1_000)
    assert found.value == 0.8
    # Two thousand resamples know the ends to about a tenth of the half-width.
    assert found.low == pytest.approx(0.8 - spread, abs=0.1 * spread)
    assert found.high == pytest.approx(0.8 + spread, abs=0.1 * spread)


def test_intervals_cover_the_truth_as_often_as_they_say():
    truth, covered = 0.7, 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 200)
        p = np.where(random.uniform(size=200) < truth, y, 1 - y) * 0.8 + 0.1
        found = judge(y, np.column_stack([1 - p, p]), names=["accuracy"], n_bootstrap=200, seed=seed)
        covered += found.metrics["accuracy"].low <= truth <= found.metrics["accuracy"].high

    # 95 % of 200: standard error 1.5 points; three of them below and above.
    assert 0.90 <= covered / 200 <= 0.995


def test_counts_are_those_of_the_rows():
    y = np.array([0, 0, 0, 1, 1])
    p = np.array([0.1, 0.2, 0.9, 0.35, 0.1])

    found = judge(y, np.column_stack([1 - p, p]), threshold=0.3)

    assert found.confusion.tolist() == [[2, 1], [1, 1]]
    assert found.class_counts == (3, 2)
    assert found.n_rows == 5
    assert found.metrics["precision"].value == 0.5


def test_threshold_is_not_tuned_on_the_rows_that_are_judged():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])

    found = judge(y, np.column_stack([1 - p, p]), threshold=None)

    assert found.metrics["accuracy"].value == 0.5


def test_metric_that_is_not_defined_has_no_interval():
    found = judge(np.zeros(20, dtype=np.int64), np.full((20, 2), 0.5))

    interval = found.metrics["roc_auc"]
    assert np.isnan([interval.value, interval.low, interval.high]).all()
    assert found.metrics["log_loss"].value == pytest.approx(np.log(2))


def test_resamples_used_are_told():
    found = judge(*noisy(), names=["roc_auc", "jaccard"], n_bootstrap=60)

    assert found.n_bootstrap == 60
    assert found.n_resamples == {"roc_auc": 60, "jaccard": 60}


def test_class_that_is_absent_has_no_rows_in_the_confusion_matrix():
    y, proba = noisy(n_classes=3)

    found = judge(np.minimum(y, 1), proba)

    assert found.confusion.shape == (3, 3)
    assert found.class_counts[2] == 0
    assert np.isfinite(found.metrics["roc_auc"].value)


def test_calibration_curve_of_known_shares():
    p = np.repeat([0.2, 0.9], 100)
    y = np.concatenate([np.arange(100) < 30, np.arange(100) < 80]).astype(np.int64)

    curve = calibration_curve(y, np.column_stack([1 - p, p]))

    assert curve.predicted == pytest.approx((0.2, 0.9))
    assert curve.observed == pytest.approx((0.3, 0.8))
    assert curve.n_rows == (100, 100)
