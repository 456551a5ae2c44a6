import math

import numpy as np
import pytest

from benchmarks.peers.judging import EPSILON, judge


def test_binary_scores_equal_closed_forms():
    codes = np.array([0, 1, 1, 0])
    proba = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.5, 0.5]])

    found = judge(proba, codes)

    # Pairs of a positive and a negative: .7 beats both, .4 beats .2 only.
    assert found["roc_auc"] == pytest.approx(3 / 4)
    assert found["log_loss"] == pytest.approx(-math.log(0.8 * 0.7 * 0.4 * 0.5) / 4)
    assert found["brier"] == pytest.approx((0.04 + 0.09 + 0.36 + 0.25) / 4)
    assert found["accuracy"] == pytest.approx(3 / 4)


def test_multiclass_scores_of_an_even_guess():
    codes = np.array([0, 1, 2, 0])
    proba = np.full((4, 3), 1 / 3)

    found = judge(proba, codes)

    assert found["roc_auc"] == pytest.approx(0.5)
    assert found["log_loss"] == pytest.approx(math.log(3))
    assert found["brier"] == pytest.approx(4 / 9 + 2 / 9)


def test_sure_and_wrong_costs_a_bounded_loss():
    found = judge(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))

    assert found["log_loss"] == pytest.approx(-math.log(EPSILON) / 2, rel=1e-6)


@pytest.mark.parametrize(
    "proba", [np.array([[0.5, 0.5]]), np.array([[np.nan, 0.5], [0.5, 0.5]]), np.array([[1.0], [1.0]])]
)
def test_wrong_shapes_and_missing_numbers_are_refused(proba):
    with pytest.raises(ValueError, match="probabilities of shape"):
        judge(proba, np.array([0, 1]))
