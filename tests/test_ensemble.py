"""Weights chosen greedily on held-out predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltrain import metrics
from mltrain.ensemble import Selection, choose_weights, vote

QUICK = Selection(n_picks=10, n_bags=3)


def _binary(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def _members(n: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Two members that each see one half of the signal, and one that sees none."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    y = (a + b + 0.3 * rng.normal(size=n) > 0).astype(np.int64)
    sigmoid = [1 / (1 + np.exp(-2 * z)) for z in (a, b, rng.normal(size=n))]
    return y, [_binary(p) for p in sigmoid]


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "f1"])
def test_members_that_complete_each_other_share_the_weight(name: str) -> None:
    y, probas = _members(600, seed=1)
    metric = metrics.resolve(name, n_classes=2)

    chosen = vote(probas, y, metric=metric, seed=0, selection=QUICK)

    assert chosen.weights.sum() == pytest.approx(1)
    assert min(chosen.weights[:2]) > 0.25
    assert chosen.weights[2] < 0.1
    best_single = max(
        (metrics.score(metric, y, p) for p in probas), key=lambda s: s if metric.greater_is_better else -s
    )
    assert metrics.is_better(metric, chosen.score, best_single)


def test_the_reported_score_is_that_of_the_cross_fitted_predictions() -> None:
    y, probas = _members(400, seed=2)
    metric = metrics.resolve("log_loss", n_classes=2)

    chosen = vote(probas, y, metric=metric, seed=0, selection=QUICK)

    assert chosen.score == pytest.approx(metrics.score(metric, y, chosen.proba))
    np.testing.assert_allclose(chosen.proba.sum(axis=1), 1)


def test_noise_cannot_win_by_being_chosen_on_the_rows_it_is_scored_on() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, size=300)
    noise = [_binary(rng.uniform(size=300)) for _ in range(30)]
    metric = metrics.resolve("roc_auc", n_classes=2)

    fitted = choose_weights(np.stack(noise), y, metric=metric, seed=0, selection=QUICK)
    seen = metrics.score(metric, y, np.tensordot(fitted, np.stack(noise), axes=1))
    chosen = vote(noise, y, metric=metric, seed=0, selection=QUICK)

    assert chosen.score < seen
    assert chosen.score == pytest.approx(0.5, abs=0.1)


def test_three_classes() -> None:
    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, size=300)
    good = np.full((300, 3), 0.1)
    good[np.arange(300), y] = 0.8
    metric = metrics.resolve("log_loss", n_classes=3)

    chosen = vote([good, np.full((300, 3), 1 / 3)], y, metric=metric, seed=0, selection=QUICK)

    np.testing.assert_allclose(chosen.weights, [1, 0])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 80))
def test_weights_are_a_deterministic_mixture(seed: int, n: int) -> None:
    y, probas = _members(n, seed)
    y[:2] = 0, 1
    metric = metrics.resolve("roc_auc", n_classes=2)

    one = choose_weights(np.stack(probas), y, metric=metric, seed=seed, selection=QUICK)
    again = choose_weights(np.stack(probas), y, metric=metric, seed=seed, selection=QUICK)

    assert one.min() >= 0
    assert one.sum() == pytest.approx(1)
    np.testing.assert_array_equal(one, again)
