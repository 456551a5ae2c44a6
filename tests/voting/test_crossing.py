"""What a vote is worth, on rows that its weights were not chosen on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mltrain import metrics
from mltrain.voting import Selection, choose_weights, vote

QUICK = Selection(n_picks=10, n_bags=3)


def _binary(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def _members(n: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Two members that each see one half of the signal, and one that sees none."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    y = (a + b + 0.3 * rng.normal(size=n) > 0).astype(np.int64)
    return y, [_binary(1 / (1 + np.exp(-2 * z))) for z in (a, b, rng.normal(size=n))]


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


@pytest.mark.parametrize("name", ["roc_auc", "log_loss"])
def test_the_reported_score_is_the_exact_one_of_the_cross_fitted_predictions(name: str) -> None:
    y, probas = _members(400, seed=2)
    metric = metrics.resolve(name, n_classes=2)

    chosen = vote(probas, y, metric=metric, seed=0, selection=QUICK)

    wanted = roc_auc_score(y, chosen.proba[:, 1]) if name == "roc_auc" else metrics.score(metric, y, chosen.proba)
    assert chosen.score == pytest.approx(wanted)
    np.testing.assert_allclose(chosen.proba.sum(axis=1), 1)


def test_each_row_is_predicted_by_weights_chosen_without_its_part() -> None:
    y, probas = _members(300, seed=3)
    parts = np.arange(300) % 3
    metric = metrics.resolve("log_loss", n_classes=2)

    chosen = vote(probas, y, metric=metric, seed=7, selection=QUICK, parts=parts)

    stacked = np.stack(probas)
    for part in range(3):
        rest = parts != part
        once = Selection(n_picks=10, n_bags=1)
        weights = choose_weights(stacked[:, rest], y[rest], metric=metric, seed=8 + part, selection=once)
        wanted = np.tensordot(weights, stacked[:, ~rest], axes=1)
        np.testing.assert_allclose(chosen.proba[~rest], wanted)


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


def test_a_vote_calls_a_metric_of_labels_for_what_it_reports_alone() -> None:
    y, probas = _members(400, seed=5)
    metric = metrics.resolve("f1_weighted", n_classes=2)
    calls = []

    def counted(y: np.ndarray, decided: np.ndarray) -> float:
        calls.append(len(y))
        return metric.function(y, decided)

    chosen = vote(probas, y, metric=replace(metric, function=counted), seed=0, selection=QUICK)

    assert set(calls) == {400}
    assert len(calls) <= 201  # one sweep over thresholds
    assert chosen.score == metrics.score(metric, y, chosen.proba)
