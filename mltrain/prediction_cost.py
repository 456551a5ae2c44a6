"""What predictions with fitted models cost, known from their rounds before any is made.

Counted, not timed: what is kept must not depend on how busy the machine was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from mltrain.models.traits import traits_of
from mltrain.search import SearchJob
from mltrain.space import Params

MOST_PREDICTION_S = 0.16
"""Core-seconds for 1,000 rows that the models of a vote may take: by the clock at most some 0.2 s on two cores."""

# A call of a model's library and what becomes of its answer: 2 to 5 ms for XGBoost and CatBoost, less for others
# (2 cores of an AMD EPYC, 2026-11-26).
_MODEL_US = 3_000.0


def prediction_s(job: SearchJob, params: Params, n_rounds: Sequence[int]) -> float:
    """Forecast the core-seconds that models of these parameters and rounds take together for 1,000 rows."""
    n_classes, traits = job.objective.n_classes, traits_of(job.family)
    per_round = traits.trees_at_once(params) * (n_classes if n_classes > 2 and traits.grows_tree_per_class else 1)
    n_trees = sum(n_rounds) * per_round
    model_us = _MODEL_US + traits.model_us(params, job.view.n_features)
    return (len(n_rounds) * model_us + n_trees * traits.tree_us) * 1e-6


def n_affordable(job: SearchJob, params: Params, n_rounds: Sequence[int]) -> int:
    """Return how many of a trial's models, from the first on, may be kept together; one always may."""
    costs = accumulate(prediction_s(job, params, [n]) for n in n_rounds)
    return max(1, sum(cost <= MOST_PREDICTION_S for cost in costs))


def share_models(weights: Sequence[float], costs_s: Sequence[float], *, n_models: Sequence[int]) -> tuple[int, ...]:
    """Return how many models of each voter predict, so that all together are affordable; each has one at least.

    Parameters
    ----------
    weights : sequence of float
        Share of each voter in the vote, above 0.
    costs_s : sequence of float
        Core-seconds that one model of each takes for 1,000 rows.
    n_models : sequence of int
        Models that each has.

    Notes
    -----
    The models of a voter differ by chance alone, and the variance of their mean falls with their number: the last of n
    is worth ``weight ** 2 / (n * (n - 1))`` times a constant. While the vote is too dear, the model that is worth least
    for its price goes.
    """
    kept = np.array(n_models)
    votes, costs = np.array(weights), np.maximum(np.array(costs_s), 1e-9)
    while kept @ costs > MOST_PREDICTION_S and kept.max() > 1:
        worth = np.where(kept > 1, votes**2 / np.maximum(kept * (kept - 1), 1) / costs, np.inf)
        kept[int(np.argmin(worth))] -= 1
    return tuple(int(n) for n in kept)
