"""Weights chosen greedily on held-out predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from mltrain import metrics
from mltrain.voting import Selection, choose_weights, quick_weights

QUICK = Selection(n_picks=10, n_bags=3)


def _members(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two members that each see one half of the signal, and one that sees none; stacked."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    y = (a + b + 0.3 * rng.normal(size=n) > 0).astype(np.int64)
    y[:2] = 0, 1
    positive = np.stack([1 / (1 + np.exp(-2 * z)) for z in (a, b, rng.normal(size=n))])
    return y, np.stack([1 - positive, positive], axis=2)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 80))
def test_weights_are_a_deterministic_mixture(seed: int, n: int) -> None:
    y, stacked = _members(n, seed)
    metric = metrics.resolve("roc_auc", n_classes=2)

    one = choose_weights(stacked, y, metric=metric, seed=seed, selection=QUICK)
    again = choose_weights(stacked, y, metric=metric, seed=seed, selection=QUICK)

    assert one.min() >= 0
    assert one.sum() == pytest.approx(1)
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "f1"])
def test_one_quick_pass_finds_those_that_complete_each_other(name: str) -> None:
    y, stacked = _members(5_000, seed=1)

    weights = quick_weights(stacked.astype(np.float32), y, metric=metrics.resolve(name, n_classes=2))

    assert weights.sum() == pytest.approx(1)
    assert min(weights[:2]) > 0.25
    assert weights[2] < 0.15


def test_a_quick_pass_sees_a_class_that_one_row_in_a_thousand_has() -> None:
    y, stacked = _members(10_000, seed=2)
    y[:] = 0
    y[[17, 5_000]] = 1
    right = stacked[:1].copy()
    right[0, [17, 5_000]] = 0.0, 1.0

    weights = quick_weights(
        np.concatenate([stacked, right]), y, metric=metrics.resolve("roc_auc", n_classes=2), max_rows=200
    )

    assert weights[3] > 0.5


def test_of_two_equals_the_first_is_chosen() -> None:
    y, stacked = _members(200, seed=3)

    weights = quick_weights(stacked[[0, 0, 2]], y, metric=metrics.resolve("log_loss", n_classes=2))

    assert weights[1] == 0


def test_a_member_whose_score_is_undefined_never_wins() -> None:
    y, stacked = _members(60, seed=4)
    metric = metrics.resolve("roc_auc", n_classes=2)

    weights = quick_weights(stacked, np.zeros_like(y), metric=metric)

    np.testing.assert_array_equal(weights, [1, 0, 0])


def test_crumbs_do_not_vote() -> None:
    y, stacked = _members(400, seed=5)
    metric = metrics.resolve("log_loss", n_classes=2)

    every = choose_weights(stacked, y, metric=metric, seed=0, selection=Selection(least_weight=0, prior_rows=0))
    least = every.min() + 1e-9
    without = choose_weights(stacked, y, metric=metric, seed=0, selection=Selection(least_weight=least, prior_rows=0))

    assert np.count_nonzero(without) == 2
    np.testing.assert_allclose(without[:2], every[:2] / every[:2].sum())


@pytest.mark.parametrize(("n", "kept"), [(200, 0.5), (400, 0.5), (800, 16 / 17), (1_200, 81 / 82)])
def test_weights_from_few_rows_stay_near_votes_of_the_best_of_each_kind_by_what_they_know(n: int, kept: float) -> None:
    y, stacked = _members(n, seed=8)
    stacked = np.concatenate([stacked, stacked[:1]])  # a copy that is never chosen, and not the best of its kind
    metric = metrics.resolve("log_loss", n_classes=2)
    kinds = (0, 1, 2, 0)

    plain = choose_weights(stacked, y, metric=metric, seed=0, selection=Selection(least_weight=0, prior_rows=0))
    nearer = choose_weights(
        stacked, y, metric=metric, seed=0, selection=Selection(least_weight=0, prior_rows=400, kinds=kinds)
    )

    base = log_loss(y, np.full(n, y.mean()))
    losses = np.array([log_loss(y, member[:, 1]) for member in stacked[:3]])
    votes = (np.maximum(base - losses, 0.0) / losses) ** 4
    prior = np.append(votes / votes.sum(), 0.0)
    np.testing.assert_allclose(nearer, kept * plain + (1 - kept) * prior)
    assert nearer[3] == 0


def test_where_nobody_knows_anything_the_prior_is_the_first() -> None:
    y = np.arange(40) % 2
    stacked = np.full((3, 40, 2), 0.5)
    metric = metrics.resolve("log_loss", n_classes=2)

    np.testing.assert_array_equal(choose_weights(stacked, y, metric=metric, seed=0), [1, 0, 0])


@pytest.mark.parametrize(
    ("most_cost", "voting"), [(12.0, [True, True]), (11.0, [True, False]), (5.0, [True, False]), (0.5, [True, False])]
)
def test_who_gives_least_for_its_cost_leaves_a_vote_that_costs_too_much(most_cost: float, voting: list[bool]) -> None:
    y, stacked = _members(400, seed=6)
    metric = metrics.resolve("log_loss", n_classes=2)
    selection = Selection(costs=(2.0, 10.0), most_cost=most_cost)

    weights = choose_weights(stacked[:2], y, metric=metric, seed=0, selection=selection)

    assert list(weights > 0) == voting
    assert weights.sum() == pytest.approx(1)
