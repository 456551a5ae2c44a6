from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mltrain.search.bandit import Standing, spread_of, worth


def standing(scores, *, n_ended=None, cost_s=1.0, say=0.5):
    n_ended = len(scores) if n_ended is None else n_ended
    return Standing(scores=tuple(scores), n_ended=n_ended, cost_s=cost_s, say=say)


def test_worth_is_the_expected_gain_over_the_second_best_trial():
    scores = (0.80, 0.81, 0.82, 0.83)

    answer = worth(standing(scores), spread=0.02)

    upper, prior = np.array([0.82, 0.83]), 2 * 0.01**2
    sd = np.sqrt((((upper - upper.mean()) ** 2).sum() + prior) / 6)
    gain, _ = quad(lambda score: (score - 0.82) * norm.pdf(score, upper.mean(), sd), 0.82, 1.5, points=[0.83])
    assert answer == pytest.approx(0.55 * gain, rel=1e-6)


def test_a_family_that_settled_is_worth_less_than_one_that_still_varies():
    settled = standing([0.8] * 12)
    varying = standing([0.78, 0.79, 0.8, 0.79, 0.81, 0.785, 0.8, 0.79, 0.82, 0.78, 0.8, 0.815])

    assert worth(varying, spread=0.001) > worth(settled, spread=0.001)


def test_worth_grows_with_say_and_falls_with_price():
    scores = (0.7, 0.72, 0.71, 0.73)

    assert worth(standing(scores, say=0.95), spread=0.01) == pytest.approx(
        10 * worth(standing(scores, say=0.05), spread=0.01)
    )
    assert worth(standing(scores, cost_s=4.0), spread=0.01) == pytest.approx(worth(standing(scores), spread=0.01) / 4)


def test_trials_without_a_score_lower_the_worth():
    scores = (0.7, 0.72, 0.71)

    assert worth(standing(scores, n_ended=7), spread=0.01) == pytest.approx(worth(standing(scores), spread=0.01) / 2)


def test_a_family_without_a_score_is_worth_the_spread():
    assert worth(standing((), n_ended=0), spread=0.03) == pytest.approx(0.55 * 0.03)
    assert worth(standing((), n_ended=3), spread=0.03) == pytest.approx(0.55 * 0.03 / 4)


@pytest.mark.parametrize(("bests", "wanted"), [([0.8, 0.9], 0.05), ([0.8], 1e-3), ([0.8, 0.8], 1e-3), ([], 1e-3)])
def test_spread_of_families(bests, wanted):
    assert spread_of(bests) == pytest.approx(wanted)
