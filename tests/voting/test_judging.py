"""Scores of many votes at once against the metrics themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from mltrain import metrics
from mltrain.voting.judging import make_judge, rows_to_judge


def _votes(n_members: int, n: int, *, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions of members of different worth, and the classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, size=n)
    y[:n_classes] = np.arange(n_classes)
    logits = 1.5 * np.eye(n_classes)[y] + rng.normal(scale=2, size=(n_members, n, n_classes))
    proba = np.exp(logits)
    return proba / proba.sum(axis=2, keepdims=True), y


def _scores(name: str, stacked: np.ndarray, y: np.ndarray, *, n_summed: int = 1) -> np.ndarray:
    judge = make_judge(stacked, y, metric=metrics.resolve(name, n_classes=stacked.shape[2]))
    return judge.scores(n_summed * judge.votes, n_summed)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 200), n_classes=st.integers(2, 5))
def test_log_loss_is_exact(seed: int, n: int, n_classes: int) -> None:
    stacked, y = _votes(3, n, n_classes=n_classes, seed=seed)
    stacked[0, 0] = np.eye(n_classes)[(y[0] + 1) % n_classes]  # a certain error is clipped, not infinite

    found = _scores("log_loss", stacked, y)

    wanted = [-log_loss(y, proba, labels=range(n_classes)) for proba in stacked]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize(("n_classes", "n_summed"), [(2, 1), (2, 7), (3, 2)])
def test_the_binned_roc_auc_is_close_to_the_exact_one(n_classes: int, n_summed: int) -> None:
    stacked, y = _votes(6, 4_000, n_classes=n_classes, seed=3)

    found = _scores("roc_auc", stacked, y, n_summed=n_summed)

    if n_classes == 2:
        wanted = [roc_auc_score(y, proba[:, 1]) for proba in stacked]
    else:
        wanted = [roc_auc_score(y, proba, multi_class="ovr", average="macro") for proba in stacked]
    # Pairs in one bin count half: 0.011 of a logit cannot be told apart.
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_ties_and_certainties_count_as_they_do_in_the_metric() -> None:
    y = np.array([0, 0, 1, 1])
    positive = np.array([[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0], [0.2, 0.4, 0.4, 0.8]])
    stacked = np.stack([1 - positive, positive], axis=2)

    np.testing.assert_array_equal(_scores("roc_auc", stacked, y), [0.5, 1.0, 0.5, 0.875])


def test_a_rare_class_keeps_its_order_at_tiny_probabilities() -> None:
    y = np.array([0] * 6 + [1] * 2)
    positive = np.array([1e-4, 2e-4, 1e-5, 3e-4, 2e-5, 4e-4, 5e-4, 1.5e-4])
    stacked = np.stack([1 - positive, positive], axis=1)[None]

    assert _scores("roc_auc", stacked, y)[0] == pytest.approx(roc_auc_score(y, positive))


def test_a_class_that_no_row_has_is_left_out_and_one_class_has_no_area() -> None:
    stacked, y = _votes(2, 300, n_classes=3, seed=5)
    y[y == 2] = 0
    wanted = [np.mean([roc_auc_score(y == code, proba[:, code]) for code in (0, 1)]) for proba in stacked]

    np.testing.assert_allclose(_scores("roc_auc", stacked, y), wanted, atol=1e-3)
    assert np.isnan(_scores("roc_auc", stacked, np.zeros_like(y))).all()


@pytest.mark.parametrize("name", ["f1", "brier", "average_precision", "balanced_accuracy"])
def test_any_other_metric_is_asked_itself_and_greater_is_better(name: str) -> None:
    stacked, y = _votes(3, 120, n_classes=2, seed=7)
    metric = metrics.resolve(name, n_classes=2)
    sign = 1 if metric.greater_is_better else -1

    found = _scores(name, stacked, y, n_summed=3)

    np.testing.assert_allclose(found, [sign * metrics.score(metric, y, proba) for proba in stacked])


@pytest.mark.parametrize(
    ("name", "n_classes", "wanted"),
    [
        ("log_loss", 26, 8_000),
        ("roc_auc", 2, 8_000),
        ("roc_auc", 4, 4_000),
        ("roc_auc", 26, 1_000),
        ("f1", 2, 2_000),
        ("f1_weighted", 2, 8_000),
    ],
)
def test_slow_metrics_and_many_classes_get_fewer_rows(name: str, n_classes: int, wanted: int) -> None:
    metric = metrics.resolve(name, n_classes=n_classes)

    assert rows_to_judge(metric, n_classes=n_classes, max_rows=8_000) == wanted


@pytest.mark.parametrize(("name", "n_classes"), [("f1_weighted", 2), ("jaccard_macro", 3), ("roc_auc_ovo", 3)])
def test_log_loss_stands_in_for_a_metric_that_is_known_as_a_function_alone(name: str, n_classes: int) -> None:
    stacked, y = _votes(4, 150, n_classes=n_classes, seed=8)

    np.testing.assert_array_equal(_scores(name, stacked, y, n_summed=2), _scores("log_loss", stacked, y, n_summed=2))


def test_a_metric_that_refuses_the_rows_has_no_score() -> None:
    def refuse(y: np.ndarray, proba: np.ndarray) -> float:
        raise ValueError("a class is missing")

    metric = metrics.Metric(
        name="all_classes", needs="proba", greater_is_better=False, function=refuse, weighted=metrics.LOG_LOSS.weighted
    )
    stacked, y = _votes(2, 20, n_classes=3, seed=9)
    judge = make_judge(stacked, y, metric=metric)

    assert np.isnan(judge.scores(judge.votes, 1)).all()
