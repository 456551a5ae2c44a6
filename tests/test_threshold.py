from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltrain.metrics import resolve, score
from mltrain.threshold import best_threshold, decide

LABELS = ["accuracy", "balanced_accuracy", "precision", "recall", "f1", "fbeta_score", "mcc"]
TOLERANCE = 1e-12


def column_pair(p):
    return np.column_stack([1 - p, p])


def brute_force(metric, y, p):
    """Score every way to cut the ordered rows."""
    cuts = [*np.unique(p), np.inf]
    return max(metric.function(y, (p >= cut).astype(np.int64)) for cut in cuts)


@st.composite
def scored_rows(draw):
    n_samples = draw(st.integers(1, 25))
    y = draw(st.lists(st.integers(0, 1), min_size=n_samples, max_size=n_samples))
    grid = st.integers(0, 8).map(lambda step: step / 8)
    p = draw(st.lists(st.one_of(grid, st.floats(0, 1)), min_size=n_samples, max_size=n_samples))
    return np.array(y, dtype=np.int64), np.array(p)


@pytest.mark.parametrize("name", LABELS)
@given(rows=scored_rows())
@settings(max_examples=60, deadline=None)
def test_best_threshold_reaches_what_brute_force_finds(name, rows):
    y, p = rows
    metric = resolve(name, beta=0.5, n_classes=2)

    found = best_threshold(metric, y, p)

    assert found.score == pytest.approx(brute_force(metric, y, p), abs=TOLERANCE)
    assert metric.function(y, decide(column_pair(p), found.value)) == pytest.approx(found.score, abs=TOLERANCE)


@given(rows=scored_rows(), seed=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_best_threshold_does_not_depend_on_the_order_of_rows(rows, seed):
    y, p = rows
    order = np.random.default_rng(seed).permutation(len(y))
    metric = resolve("f1", n_classes=2)

    assert best_threshold(metric, y, p) == best_threshold(metric, y[order], p[order])


def test_deciding_for_nobody_does_not_win_precision():
    y, p = np.array([0, 0, 0, 1]), np.array([0.9, 0.8, 0.7, 0.1])

    found = best_threshold(resolve("precision", n_classes=2), y, p)

    assert found.score == 0.25
    assert (p >= found.value).all()


def test_of_equal_thresholds_the_nearest_to_one_half_wins():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])

    assert best_threshold(resolve("recall", n_classes=2), y, p).value == 0.5


@pytest.mark.parametrize(("label", "value"), [(0, 0.65), (1, 0.15)])
def test_one_class_and_equal_scores_decide_for_what_was_seen(label, value):
    y, p = np.full(5, label), np.full(5, 0.3)

    found = best_threshold(resolve("accuracy", n_classes=2), y, p)

    assert found.score == 1.0
    assert found.value == pytest.approx(value)


def test_threshold_above_certain_scores_decides_for_none():
    y, p = np.zeros(3, dtype=np.int64), np.ones(3)

    found = best_threshold(resolve("accuracy", n_classes=2), y, p)

    assert found.score == 1.0
    assert not decide(column_pair(p), found.value).any()


def test_neighbouring_floats_are_told_apart():
    low, high = 0.3, np.nextafter(0.3, 1)

    found = best_threshold(resolve("accuracy", n_classes=2), np.array([0, 1]), np.array([low, high]))

    assert low < found.value <= high


def test_metric_without_a_confusion_matrix_is_searched_on_quantiles():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 400)
    p = np.clip(0.3 * y + random.uniform(0, 0.7, 400), 0, 1)
    metric = resolve("jaccard", n_classes=2)

    found = best_threshold(metric, y, p)

    # The best of 200 quantiles lies within one step of the best of all cuts: 2 of 400 rows, 200 positive.
    assert found.score == pytest.approx(brute_force(metric, y, p), abs=2 / 200)
    assert found.score == pytest.approx(metric.function(y, (p >= found.value).astype(np.int64)))


def test_row_at_the_threshold_is_positive():
    assert decide(column_pair(np.array([0.4, 0.5, 0.6])), 0.5).tolist() == [0, 1, 1]


def test_missing_threshold_means_one_half():
    assert decide(column_pair(np.array([0.49, 0.5])), None).tolist() == [0, 1]


def test_more_classes_decide_for_the_most_probable_one():
    assert decide(np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), 0.9).tolist() == [1, 0]


def test_score_at_the_best_threshold_is_the_score_of_that_threshold():
    random = np.random.default_rng(1)
    y, p = random.integers(0, 2, 300), random.uniform(size=300)
    metric = resolve("mcc", n_classes=2)

    found = best_threshold(metric, y, p)

    assert score(metric, y, column_pair(p)) == found.score
    assert score(metric, y, column_pair(p), threshold=found.value) == pytest.approx(found.score, abs=TOLERANCE)
