"""Where forest trials start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791) and first trials after portfolios of AutoGluon
(Apache-2.0), rounded, completed for mltrain and put into order by hand: ``benchmarks/portfolio.py`` chose no better.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.space import Choice, Float, Int, Params, Space

# What a user may fix beside the searched ones; the rest belongs to mltrain (seed, threads, class weights).
# fmt: off
KNOWN = frozenset({
    "n_estimators", "criterion", "max_depth", "min_samples_split", "min_samples_leaf",
    "min_weight_fraction_leaf", "max_features", "max_leaf_nodes", "min_impurity_decrease", "bootstrap",
    "ccp_alpha", "max_samples", "extra_trees",
})
# fmt: on


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
    """Return complete trials, the cheapest first."""
    least, root = _least_leaf(shape), _root(shape)
    # Where there are several classes, leaves of one row at random cuts are cheap and, once calibrated, the best forest.
    of_classes = ((root, 1, "gini", False, True),) if shape.n_classes > 2 else ()
    tried = (
        (root, 4, "gini", True, False),
        *of_classes,
        (0.75, 2, "gini", False, True),
        (0.4, 10, "entropy", True, False),
        (root, 1, "entropy", True, False),
        (1.0, 4, "entropy", False, True),
        (0.5, 5, "gini", True, False),
    )
    return tuple(
        {
            "max_features": features,
            "min_samples_leaf": max(leaf, least),
            "criterion": criterion,
            "bootstrap": bootstrap,
            "extra_trees": extra,
        }
        for features, leaf, criterion, bootstrap, extra in tried
    )


def _root(shape: Shape) -> float:
    """Return the share of features that is their square root, the usual number that a split looks at."""
    return min(0.4, float(shape.n_features**-0.5))


def _least_leaf(shape: Shape) -> int:
    """Return the smallest leaf worth growing: on large data tiny ones cost memory and time and gain nothing."""
    return max(1, shape.n_samples // 20_000)
