"""Where trials of the linear model start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791); first trials chosen by what is now
``benchmarks/linear_models.py``, before it knew landmarks (bends-2026-11-26).
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.space import Choice, Float, Int, Params, Space

KNOWN = frozenset({"C", "penalty", "l1_ratio", "n_knots", "n_landmarks", "reach", "max_iter", "tol", "fit_intercept"})
PENALTIES = ("l2", "l1", "elasticnet")
MOST_KNOTS = 100
MOST_LANDMARKS = 1_000


def search_space(shape: Shape) -> Space:
    """Return the ranges, which are the same for every shape.

    Notes
    -----
    Landmarks are left to who asks for them. Searched by default, with three of them among the first trials, they made
    the linear model better on several tables, but took a third of the time on others where they are no use: over 19
    runs of seven tables the vote lost 0.0014 (standard error 0.0014) of ROC AUC (60 s, 2026-11-27).
    """
    del shape
    return {
        "C": Float(low=1e-3, high=1e3, log=True),
        "penalty": Choice(options=PENALTIES),
        "n_knots": Int(low=0, high=12),
    }


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return what to try first: a cheap straight model, then bent ones, most useful first.

    Notes
    -----
    Chosen greedily among 105 settings on draws of 300 to 2,000 rows (20,000 of adult) of 15 data sets, for how near the
    best of them comes to each set's lowest log loss out of fold. On all 18 draws the best bent model beat the best
    straight one out of fold (adult 0.302 for 0.327, telco 0.424 for 0.427, diamonds 0.809 for 1.121), on 14 also
    on rows that nobody learnt from; it did not on three of 380 to 560 rows and on one of cdc.
    """
    del shape
    tried = (
        (0.1, "l2", 0),
        (0.3, "l2", 8),
        (0.1, "l1", 8),
        (3.0, "elasticnet", 12),
        (1.0, "l2", 4),
        (0.03, "l2", 12),
        (3.0, "l2", 2),
    )
    return tuple({"C": strength, "penalty": penalty, "n_knots": knots} for strength, penalty, knots in tried)
