"""Where XGBoost trials start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791) and first trials after portfolios of AutoGluon and tuned
defaults of pytabkit (both Apache-2.0), rounded, chosen and ordered by ``benchmarks/portfolio.py`` and completed for
mltrain.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.models.boosting import fewer_bins, rate_of_first, slowest_rate_by_trees
from mltrain.space import Choice, Float, Int, Params, Scalar, Space

# What a user may fix beside the searched ones; the rest belongs to mltrain (objective, seed, threads, device).
# fmt: off
KNOWN = frozenset({
    "n_estimators", "learning_rate", "max_depth", "min_child_weight", "subsample", "sampling_method",
    "colsample_bytree", "colsample_bylevel", "colsample_bynode", "alpha", "lambda", "gamma",
    "max_delta_step", "grow_policy", "max_leaves", "max_cat_to_onehot", "max_cat_threshold",
    "scale_pos_weight", "base_score", "max_bin", "num_parallel_tree", "monotone_constraints",
    "interaction_constraints", "max_cached_hist_node",
})
# fmt: on
# What parameters are where neither the space nor first trials name them. That there is no limit is in no range of one.
DEFAULTS: Params = {
    "gamma": 0.0,
    "max_delta_step": 0.0,
    "colsample_bytree": 1.0,
    "max_bin": 256,
    "num_parallel_tree": 1,
    "max_cat_threshold": 64,
    "sampling_method": "uniform",
    "scale_pos_weight": 1.0,
}
SYNONYMS = {
    "num_boost_round": "n_estimators",
    "num_round": "n_estimators",
    "eta": "learning_rate",
    "reg_alpha": "alpha",
    "reg_lambda": "lambda",
    "min_split_loss": "gamma",
}
_MANY_ROWS = 3000
# On many rows the first to be tried.
_SOONEST: Params = {"learning_rate": 0.1, "max_depth": 4, "subsample": 0.8}
_ROWS: tuple[Params, ...] = (
    {
        "learning_rate": 0.06,
        "max_depth": 3,
        "min_child_weight": 5.0,
        "subsample": 0.7,
        "colsample_bynode": 0.5,
        "lambda": 10.0,
    },
    {
        "learning_rate": 0.03,
        "max_depth": 5,
        "min_child_weight": 3.0,
        "subsample": 0.7,
        "colsample_bylevel": 0.7,
        "colsample_bynode": 0.6,
        "lambda": 5.0,
    },
    _SOONEST,
    {"learning_rate": 0.02, "max_depth": 4, "min_child_weight": 0.9, "colsample_bynode": 0.75},
    {"learning_rate": 0.08, "subsample": 0.65, "colsample_bylevel": 0.9, "lambda": 1e-3},
    {"learning_rate": 0.04, "max_depth": 3, "min_child_weight": 5.0, "lambda": 5.0},
    {
        "learning_rate": 0.04,
        "max_depth": 8,
        "min_child_weight": 8.0,
        "subsample": 0.7,
        "colsample_bynode": 0.5,
        "lambda": 5.0,
        "grow_policy": "lossguide",
        "max_leaves": 16,
    },
)


# Of separable classes gradients soon vanish, and the usual penalties then stop trees from learning.
_OF_SEPARABLE_CLASSES: Params = {
    "learning_rate": 0.15,
    "max_depth": 4,
    "min_child_weight": 0.02,
    "subsample": 0.6,
    "colsample_bynode": 0.4,
    "lambda": 0.02,
}


def search_space(shape: Shape) -> Space:
    """Return the ranges; large data gets faster learning rates, so that a fit ends within a short budget."""
    space: dict[str, Int | Float | Choice] = {
        "learning_rate": Float(low=slowest_rate_by_trees(shape), high=0.2, log=True),
        "max_depth": Int(low=2, high=10, log=True),
        "min_child_weight": Float(low=0.001, high=20.0, log=True),
        "subsample": Float(low=0.6, high=1.0),
        "colsample_bylevel": Float(low=0.5, high=1.0),
        "colsample_bynode": Float(low=0.4, high=1.0),
        "alpha": Float(low=1e-4, high=5.0, log=True),
        "lambda": Float(low=1e-4, high=10.0, log=True),
        "grow_policy": Choice(options=("depthwise", "lossguide")),
        "max_leaves": Int(low=8, high=256, log=True),
    }
    if shape.n_categorical:
        space["max_cat_to_onehot"] = Int(low=4, high=100, log=True)
    if (bins := fewer_bins(shape)) is not None:
        space["max_bin"] = Choice(options=(bins,))
    return space


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return complete trials: one that ends soon, then shapes that help each other, best first.

    Notes
    -----
    On digits (10 classes, 1,437 rows) the first one has a log loss of 0.127 after 200 rounds, one with small penalties
    and few columns a node 0.075; on samples of diamonds and species the two differ by 0.01 to 0.06 either way.
    """
    order = _ROWS if shape.n_telling < _MANY_ROWS else (_SOONEST, *(row for row in _ROWS if row is not _SOONEST))
    first, *others = order
    if shape.n_classes > 2:
        others.insert(0, _OF_SEPARABLE_CLASSES)
    soonest = {**first, "learning_rate": rate_of_first(shape, usual=float(str(first["learning_rate"])))}
    return (_trial(shape, soonest), *(_trial(shape, row) for row in others))


def _trial(shape: Shape, changes: Params) -> Params:
    trial: dict[str, Scalar] = {
        "learning_rate": 0.05,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 0.9,
        "colsample_bylevel": 1.0,
        "colsample_bynode": 1.0,
        "alpha": 1e-4,
        "lambda": 1.0,
        "grow_policy": "depthwise",
        "max_leaves": 256,
    }
    if shape.n_categorical:
        trial["max_cat_to_onehot"] = 8
    if (bins := fewer_bins(shape)) is not None:
        trial["max_bin"] = bins
    trial |= dict(changes)
    return trial | {"learning_rate": max(float(str(trial["learning_rate"])), slowest_rate_by_trees(shape))}
