"""The best of many noisy scores flatters; what it is worth on rows it was not picked on does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mltrain.metrics import Metric, resolve, score
from mltrain.voting import beside_members, crossing, is_outdone, pick

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


@pytest.mark.parametrize("metric", [LOG_LOSS, ROC_AUC])
def test_a_vote_is_outdone_by_a_model_that_is_better_on_every_part_and_not_by_its_equal(metric):
    y = np.tile([0, 1], 300)
    good, other, poor = (
        predictions(y, skill=1.0, seed=0),
        predictions(y, skill=1.0, seed=1),
        predictions(y, skill=0.1, seed=2),
    )
    vote_of_two = (good + other) / 2

    assert is_outdone(poor, [good, other], y, metric=metric, seed=0)
    assert not is_outdone(vote_of_two, [good, other], y, metric=metric, seed=0)
    assert not is_outdone(good, [good], y, metric=metric, seed=0)


def test_a_model_that_was_only_lucky_on_some_parts_does_not_outdo_a_vote():
    y = np.tile([0, 1], 250)
    outdone = [
        is_outdone(
            predictions(y, skill=0.3, seed=1000 * seed),
            [predictions(y, skill=0.3, seed=1000 * seed + number) for number in range(1, 11)],
            y,
            metric=ROC_AUC,
            seed=seed,
        )
        for seed in range(30)
    ]

    assert np.mean(outdone) < 0.15


def test_a_vote_is_outdone_on_no_part_that_has_one_class():
    y = np.array([0] * 20 + [1] * 20)
    good, poor = predictions(y, skill=2.0, seed=0), predictions(y, skill=-2.0, seed=1)

    assert not is_outdone(poor, [good], y, metric=ROC_AUC, seed=0, parts=np.repeat([0, 1, 2, 3], 10))


@pytest.mark.parametrize(
    ("metric", "crossed", "outdone", "members", "wanted"),
    [
        ("roc_auc", 0.80, True, [0.79, 0.70], 0.80),
        ("roc_auc", 0.80, False, [0.81, 0.70], np.nextafter(0.81, 1)),
        ("roc_auc", 0.80, True, [0.81, 0.70], 0.80),
        ("log_loss", 0.50, False, [0.49, 0.60], np.nextafter(0.49, 0)),
        ("log_loss", 0.50, True, [0.48, 0.60], 0.50),
    ],
    ids=["ahead", "not outdone", "outdone", "less is better", "outdone where less is better"],
)
def test_a_vote_that_nobody_clearly_outdoes_counts_for_no_less_than_its_members(
    metric: str, crossed: float, outdone: bool, members: list[float], wanted: float
) -> None:
    resolved = resolve(metric, n_classes=2)

    assert beside_members(crossed, outdone=lambda: outdone, members=members, metric=resolved) == wanted


def test_picking_is_not_looked_at_where_the_vote_is_ahead() -> None:
    def refuse() -> bool:
        raise AssertionError("asked for what nobody needs")

    assert beside_members(0.8, outdone=refuse, members=[0.7], metric=ROC_AUC) == 0.8


def by_part(y, parts, right):
    """Return predictions that give the true class so much in each part."""
    share = np.array(right)[parts]
    proba = np.column_stack([1 - share, share])
    return np.where(y[:, None] == 1, proba, proba[:, ::-1])


def test_a_part_of_one_class_does_not_count_when_one_is_picked():
    y = np.concatenate([np.zeros(20, dtype=int), np.tile([0, 1], 40)])
    parts = np.repeat([0, 1, 2], [20, 40, 40])
    best, other = by_part(y, parts, [0.6, 0.9, 0.5]), by_part(y, parts, [0.6, 0.5, 0.85])

    found = pick([best, other], y, metric=LOG_LOSS, seed=0, parts=parts)

    # Without part 1 the other is picked, which costs log(0.9 / 0.5) there; without part 2 nothing is lost.
    assert found == pytest.approx(score(LOG_LOSS, y, best) + np.log(0.9 / 0.5) / 2)


def all_classes(y, proba):
    """Log loss that refuses rows without a third class."""
    if not (y == 2).any():
        raise ValueError("class 2 is missing")
    return -float(np.log(proba[np.arange(len(y)), y]).mean())


@pytest.mark.parametrize("undefined", ["refused", "nan"])
def test_parts_on_which_the_metric_is_undefined_do_not_count(undefined):
    def function(y, proba):
        return float("nan") if undefined == "nan" and not (y == 2).any() else all_classes(y, proba)

    metric = Metric(name="all_classes", needs="proba", greater_is_better=False, function=function)
    y = np.concatenate([np.tile([0, 1], 15), np.tile([0, 1, 2], 20)])
    parts = np.repeat([0, 1, 2], 30)
    good, other, poor = (
        np.where(np.eye(3)[y] == 1, right, (1 - right) / 2)
        for right in (np.array(shares)[parts][:, None] for shares in ([0.6, 0.9, 0.5], [0.6, 0.5, 0.85], [0.4] * 3))
    )

    assert pick([good, other], y, metric=metric, seed=0, parts=parts) == pytest.approx(
        function(y, good) + np.log(0.9 / 0.5) / 2
    )
    assert is_outdone(poor, [good], y, metric=metric, seed=0, parts=parts) == is_outdone(
        poor[30:], [good[30:]], y[30:], metric=metric, seed=0, parts=parts[30:]
    )


def test_where_no_part_counts_the_score_stays_itself():
    y = np.repeat([0, 1, 2], 10)
    parts = np.repeat([0, 1, 2], 10)
    models = [np.where(np.eye(3)[y] == 1, right, (1 - right) / 2) for right in (0.6, 0.5)]
    metric = Metric(name="all_classes", needs="proba", greater_is_better=False, function=all_classes)

    assert pick(models, y, metric=metric, seed=0, parts=parts) == all_classes(y, models[0])


def test_one_is_picked_on_some_of_many_rows(monkeypatch):
    y = np.tile([0, 1], 500)
    seen = []
    judge = crossing.make_judge
    monkeypatch.setattr(crossing, "_MOST_ROWS", 200)
    monkeypatch.setattr(crossing, "make_judge", lambda *a, **k: seen.append(a[0].shape) or judge(*a, **k))

    found = pick([predictions(y, skill=1, seed=0), predictions(y, skill=0, seed=1)], y, metric=LOG_LOSS, seed=0)

    assert seen == [(2, 200, 2)] * 5
    assert found == score(LOG_LOSS, y, predictions(y, skill=1, seed=0))


def test_a_metric_of_labels_is_swept_over_thresholds_once_when_one_is_picked():
    y = np.tile([0, 1], 200)
    models = [predictions(y, skill=0.3, seed=seed) for seed in range(10)]
    metric = resolve("f1_weighted", n_classes=2)
    calls = []
    counted = replace(metric, function=lambda *labels: calls.append(len(labels[0])) or metric.function(*labels))

    found = pick(best_first(models, y, metric), y, metric=counted, seed=0)

    assert abs(found - score(metric, y, models[0])) < 0.1
    assert calls.count(400) <= 201
    assert calls.count(80) == len(calls) - calls.count(400) <= 10
