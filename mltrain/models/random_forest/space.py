"""Where forest trials start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791) and first trials after portfolios of AutoGluon
(Apache-2.0), rounded, completed for mltrain and put into order by hand: ``benchmarks/portfolio.py`` chose no better.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.models.random_forest.work import forecast_work
from mltrain.space import Choice, Float, Int, Params, Space

# What a user may fix beside the searched ones; the rest belongs to mltrain (seed, threads, class weights).
# fmt: off
KNOWN = frozenset({
    "n_estimators", "criterion", "max_depth", "min_samples_split", "min_samples_leaf",
    "min_weight_fraction_leaf", "max_features", "max_leaf_nodes", "min_impurity_decrease", "bootstrap",
    "ccp_alpha", "max_samples", "extra_trees",
})
# fmt: on
# What parameters are where neither the space nor first trials name them. That there is no limit is in no range of one.
DEFAULTS: Params = {
    "n_estimators": 100,
    "min_samples_split": 2,
    "min_weight_fraction_leaf": 0.0,
    "min_impurity_decrease": 0.0,
    "ccp_alpha": 0.0,
    "max_samples": 1.0,
}


def search_space(shape: Shape) -> Space:
    """Return the ranges; large data gets larger leaves, which cost less time and memory."""
    least = _least_leaf(shape)
    return {
        "max_features": Float(low=_root(shape), high=1.0),
        "min_samples_leaf": Int(low=least, high=max(64, 8 * least), log=True),
        "criterion": Choice(options=("gini", "entropy")),
        "bootstrap": Choice(options=(True, False)),
        "extra_trees": Choice(options=(False, True)),
    }


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return complete trials.

    Notes
    -----
    Trees that look for the best cut sort what they look at. Where values seldom repeat, one at random cuts costs less
    although it looks at more features, and is tried before: on 8,000 rows of 20 numbers 0.7 core-seconds a fold for
    2.5.
    """
    least, root = _least_leaf(shape), _root(shape)
    # Where there are several classes, leaves of one row at random cuts are cheap and, once calibrated, the best forest.
    of_classes = (_trial(root, least, "gini", bootstrap=False, extra=True),) if shape.n_classes > 2 else ()
    best_cuts = _trial(0.4, max(10, least), "entropy", bootstrap=True, extra=False)
    random_cuts = _trial(1.0, max(4, least), "entropy", bootstrap=False, extra=True)
    cheaper, dearer = sorted((best_cuts, random_cuts), key=lambda trial: forecast_work(trial, shape))
    return (
        _trial(root, max(4, least), "gini", bootstrap=True, extra=False),
        *of_classes,
        _trial(0.75, max(2, least), "gini", bootstrap=False, extra=True),
        cheaper,
        _trial(root, least, "entropy", bootstrap=True, extra=False),
        dearer,
        _trial(0.5, max(5, least), "gini", bootstrap=True, extra=False),
    )


def _trial(features: float, leaf: int, criterion: str, *, bootstrap: bool, extra: bool) -> Params:
    return {
        "max_features": features,
        "min_samples_leaf": leaf,
        "criterion": criterion,
        "bootstrap": bootstrap,
        "extra_trees": extra,
    }


def _root(shape: Shape) -> float:
    """Return the share of features that is their square root, the usual number that a split looks at."""
    return min(0.4, float(shape.n_features**-0.5))


def _least_leaf(shape: Shape) -> int:
    """Return the smallest leaf worth growing: on large data tiny ones cost memory and time and gain nothing."""
    return max(1, shape.n_samples // 20_000)
