from __future__ import annotations

import numpy as np
import pytest

from mltrain.comparison import compare
from mltrain.metrics import resolve


def two_columns(p):
    return np.column_stack([1 - p, p])


def rivals(n_samples=800, seed=0):
    """A model and one that sees the same signal through more noise."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n_samples)
    signal = y + random.normal(size=n_samples)
    good, poor = (1 / (1 + np.exp(-(signal + noise * random.normal(size=n_samples)) + 0.5)) for noise in (0.1, 1.5))
    return y, two_columns(good), two_columns(poor)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "f1", "jaccard"])
def test_better_challenger_has_a_difference_above_zero_in_any_direction(name):
    y, good, poor = rivals()
    metric = resolve(name, n_classes=2)

    found = compare(y, good, poor, metric=metric, thresholds=(0.4, 0.5), n_bootstrap=200, confidence=0.95, seed=0)

    assert 0 < found.low < found.difference < found.high
    assert found.difference == pytest.approx(abs(found.challenger - found.champion))


def test_swapping_the_models_mirrors_the_interval():
    y, good, poor = rivals()
    metric = resolve("log_loss", n_classes=2)

    one = compare(y, good, poor, metric=metric, n_bootstrap=200, seed=1)
    other = compare(y, poor, good, metric=metric, n_bootstrap=200, seed=1)

    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_model_against_itself_differs_by_nothing():
    y, good, _ = rivals()

    found = compare(y, good, good, metric=resolve("roc_auc", n_classes=2), n_bootstrap=50, seed=0)

    assert (found.difference, found.low, found.high) == (0.0, 0.0, 0.0)


def test_interval_of_log_loss_is_that_of_a_mean_of_paired_differences():
    y, good, poor = rivals(n_samples=2_000)
    metric = resolve("log_loss", n_classes=2)

    found = compare(y, good, poor, metric=metric, n_bootstrap=2_000, confidence=0.95, seed=0)

    gains = np.log(good[np.arange(len(y)), y]) - np.log(poor[np.arange(len(y)), y])
    half = 1.96 * gains.std(ddof=1) / np.sqrt(len(y))
    # Two thousand resamples know the ends to about a tenth of the half-width.
    assert found.low == pytest.approx(gains.mean() - half, abs=0.12 * half)
    assert found.high == pytest.approx(gains.mean() + half, abs=0.12 * half)


def test_each_model_decides_at_its_own_threshold():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])

    found = compare(
        y,
        two_columns(p),
        two_columns(p),
        metric=resolve("accuracy", n_classes=2),
        thresholds=(0.25, 0.5),
        n_bootstrap=50,
    )

    assert (found.challenger, found.champion) == (1.0, 0.5)
