"""The bandit over families: whose next trial is expected to help the vote most for its price.

It decides how far each family's sequence gets, never what is in it, so it may look at seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_RECENT = 12
_PRIOR_TRIALS = 2
# A family without a say may earn one yet.
_LEAST_SAY = 0.05
_STANDARD = NormalDist()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is known of a family when the next core is given away.

    Attributes
    ----------
    scores : tuple of float
        Of its trials that have one, in number order; greater is better.
    n_ended : int
        Trials that ended, those without a score included.
    cost_s : float
        Core-seconds that its next trial is expected to take, by how many are given up on the way.
    say : float
        Its share of the weights in a vote of all families, in [0, 1].
    """

    scores: tuple[float, ...]
    n_ended: int
    cost_s: float
    say: float


def worth(standing: Standing, *, spread: float) -> float:
    """Return the gain of the vote that a core-second on this family is expected to bring.

    Parameters
    ----------
    spread : float
        How far families' best scores lie apart; the prior for how far a family's own trials do.

    Notes
    -----
    Expected improvement over the family's second best trial, for a normal law of its recent scores (Jones, Schonlau
    and Welch 1998, https://doi.org/10.1023/A:1008306431147), times the share of trials that get a score, times the
    family's say, over the price. Scores below the median of the recent ones tell of what was tried for the sake of
    difference, not of what comes next; they are left out. Improvement over the third best, which has a vote too,
    favoured families whose first trials differ much: forests got a third of the time on telco, lending and imbalanced
    data for a tenth of the say. Improvement over the best would starve a family for one lucky trial.
    """
    share = (len(standing.scores) + 1) / (standing.n_ended + 1)
    gain = _expected_improvement(standing.scores, spread=spread)
    return (standing.say + _LEAST_SAY) * share * gain / max(standing.cost_s, 1e-3)


def spread_of(bests: Sequence[float]) -> float:
    """Return the standard deviation of the families' best scores, at least a little."""
    return max(float(np.std(bests)) if len(bests) > 1 else 0.0, 1e-3)


def _expected_improvement(scores: Sequence[float], *, spread: float) -> float:
    """Return how much the next score is expected to exceed the second best one."""
    if not scores:
        return spread
    best = sorted(scores, reverse=True)
    bar = best[1] if len(best) > 1 else best[0] - spread
    recent = sorted(scores[-_RECENT:])
    upper = np.array(recent[len(recent) // 2 :])
    mean = float(upper.mean())
    seen = float(((upper - mean) ** 2).sum()) / (len(scores[-_RECENT:]) + _PRIOR_TRIALS)
    prior = _PRIOR_TRIALS * (0.5 * spread) ** 2 / (len(scores) + _PRIOR_TRIALS)
    sd = math.sqrt(seen + prior)
    z = (mean - bar) / sd
    return sd * (z * _STANDARD.cdf(z) + _STANDARD.pdf(z))
