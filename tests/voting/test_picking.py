"""The best of many noisy scores flatters; what it is worth on rows it was not picked on does not."""

from __future__ import annotations

import numpy as np
import pytest

from mltrain.metrics import resolve, score
from mltrain.voting import beside_members, pick

LOG_LOSS = resolve("log_loss", n_classes=2)
ROC_AUC = resolve("roc_auc", n_classes=2)


def predictions(y, *, skill, seed):
    positive = 1 / (1 + np.exp(-(skill * (2 * y - 1) + np.random.default_rng(seed).standard_normal(len(y)))))
    return np.column_stack([1 - positive, positive])


def best_first(probas, y, metric):
    sign = -1 if metric.greater_is_better else 1
    return sorted(probas, key=lambda proba: sign * score(metric, y, proba))


@pytest.mark.parametrize("metric", [LOG_LOSS, ROC_AUC])
def test_one_model_and_a_clear_winner_keep_their_scores(metric):
    y = np.tile([0, 1], 100)
    good, bad = predictions(y, skill=1.0, seed=0), predictions(y, skill=-0.5, seed=1)

    assert pick([good], y, metric=metric, seed=0) == score(metric, y, good)
    assert pick([good, bad], y, metric=metric, seed=0) == pytest.approx(score(metric, y, good))


@pytest.mark.parametrize("metric", [LOG_LOSS, ROC_AUC])
def test_the_best_of_many_equal_models_is_worth_what_any_of_them_is(metric):
    y = np.tile([0, 1], 75)
    flattered, honest, true = [], [], []
    for seed in range(30):
        models = [predictions(y, skill=0.3, seed=100 * seed + number) for number in range(20)]
        ranked = best_first(models, y, metric)
        flattered.append(score(metric, y, ranked[0]))
        honest.append(pick(ranked, y, metric=metric, seed=seed))
        true.append(np.mean([score(metric, y, proba) for proba in models]))

    bias, was = abs(np.mean(honest) - np.mean(true)), abs(np.mean(flattered) - np.mean(true))

    assert bias < 0.5 * was


def test_parts_that_are_given_are_used_and_one_class_in_a_part_does_no_harm():
    y = np.array([0] * 20 + [1] * 20)
    parts = np.repeat([0, 1, 2, 3], 10)  # each of one class
    models = best_first([predictions(y, skill=0.2, seed=seed) for seed in range(5)], y, ROC_AUC)

    assert pick(models, y, metric=ROC_AUC, seed=0, parts=parts) == pytest.approx(score(ROC_AUC, y, models[0]))


@pytest.mark.parametrize(
    ("metric", "crossed", "picked", "members", "wanted"),
    [
        ("roc_auc", 0.80, 0.78, [0.79, 0.70], 0.80),
        ("roc_auc", 0.80, 0.79, [0.81, 0.70], np.nextafter(0.81, 1)),
        ("roc_auc", 0.80, 0.80, [0.81, 0.70], 0.80),
        ("log_loss", 0.50, 0.52, [0.49, 0.60], np.nextafter(0.49, 0)),
        ("log_loss", 0.50, 0.49, [0.48, 0.60], 0.50),
    ],
    ids=["ahead", "worth more than picking", "worth no more", "less is better", "one far ahead"],
)
def test_a_vote_that_is_worth_more_than_picking_counts_for_no_less_than_its_members(
    metric: str, crossed: float, picked: float, members: list[float], wanted: float
) -> None:
    resolved = resolve(metric, n_classes=2)

    assert beside_members(crossed, picked=lambda: picked, members=members, metric=resolved) == wanted


def test_picking_is_not_looked_at_where_the_vote_is_ahead() -> None:
    def refuse() -> float:
        raise AssertionError("asked for what nobody needs")

    assert beside_members(0.8, picked=refuse, members=[0.7], metric=ROC_AUC) == 0.8
