"""Where trials of the linear model start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791) and strengths after AutoGluon (Apache-2.0), chosen by
``benchmarks/portfolio.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.space import Choice, Float, Params, Space

KNOWN = frozenset({"C", "penalty", "l1_ratio", "max_iter", "tol", "fit_intercept"})
PENALTIES = ("l2", "l1", "elasticnet")


def search_space(shape: Shape) -> Space:
    """Return the ranges, which are the same for every shape."""
    del shape
    return {"C": Float(low=1e-3, high=1e3, log=True), "penalty": Choice(options=PENALTIES)}


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return the strengths to try first: a cheap, strong penalty, a weaker one, then sparse ones and the extremes."""
    del shape
    tried = ((0.1, "l2"), (1.0, "l2"), (1.0, "l1"), (0.1, "elasticnet"), (10.0, "l2"), (0.01, "l2"))
    return tuple({"C": strength, "penalty": penalty} for strength, penalty in tried)
