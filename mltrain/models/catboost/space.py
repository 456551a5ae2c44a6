"""Where CatBoost trials start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791), with higher learning rates for a first trial that ends
soon; first trials by measurements on german, telco, adult, diamonds and species.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.models.boosting import fewer_bins, slowest_rate
from mltrain.space import Choice, Float, Int, Params, Scalar, Space

# What a user may fix beside the searched ones; the rest belongs to mltrain (objective, seed, threads, device). What
# shrinks a model as it grows is left out: cut to its best round, it would have been shrunk by all later ones.
# fmt: off
KNOWN = frozenset({
    "iterations", "learning_rate", "depth", "l2_leaf_reg", "one_hot_max_size", "max_ctr_complexity",
    "random_strength", "bootstrap_type", "bagging_temperature", "subsample", "mvs_reg", "sampling_frequency", "rsm",
    "border_count", "feature_border_type", "nan_mode", "grow_policy", "min_data_in_leaf", "max_leaves",
    "leaf_estimation_iterations", "leaf_estimation_method", "leaf_estimation_backtracking", "boosting_type",
    "boost_from_average", "score_function", "model_size_reg", "simple_ctr", "combinations_ctr", "counter_calc_method",
    "ctr_leaf_count_limit", "store_all_simple_ctr", "fold_len_multiplier", "approx_on_full_history",
    "fold_permutation_block", "auto_class_weights", "scale_pos_weight", "monotone_constraints", "feature_weights",
})
# fmt: on
# What parameters are where neither the space nor first trials name them. That there is no limit is in no range of one.
DEFAULTS: Params = {
    "random_strength": 1.0,
    "bagging_temperature": 1.0,
    "rsm": 1.0,
    "border_count": 254,
    "grow_policy": "SymmetricTree",
    "min_data_in_leaf": 1,
    "max_leaves": 31,
    "boosting_type": "Plain",
    "scale_pos_weight": 1.0,
}
SYNONYMS = {
    "n_estimators": "iterations",
    "num_boost_round": "iterations",
    "num_trees": "iterations",
    "eta": "learning_rate",
    "max_depth": "depth",
    "reg_lambda": "l2_leaf_reg",
    "colsample_bylevel": "rsm",
    "max_bin": "border_count",
    "min_child_samples": "min_data_in_leaf",
    "num_leaves": "max_leaves",
}


def search_space(shape: Shape) -> Space:
    """Return the ranges; large data gets faster learning rates, so that a fit ends within a short budget.

    Notes
    -----
    A category of more levels than ``one_hot_max_size`` becomes statistics of the target, which cost 3 to 10 times as
    much as the trees themselves (adult, species). Combinations of three or more categories are left out: they cost more
    again and lowered no loss on german, telco or adult.

    Of many numbers on few rows a fifth at each level, where trials begin, take half of the time that half of them take:
    20.7 to 8.9, 6.9 to 4.2, 6.1 to 2.5 s on made sets of 300 and 150 numbers and on spambase (ROC AUC of three folds
    0.932 to 0.929, 0.964 to 0.964, 0.986 to 0.986), 22.9 to 11.9 s on digits (log loss 0.078 to 0.080; the second of
    the first trials; not a benchmark that is kept). A tenth and less lost more than it won. Of LightGBM and XGBoost a
    fit on fewer numbers takes more rounds and is no better for its time.
    """
    space: dict[str, Int | Float | Choice] = {
        "learning_rate": Float(low=slowest_rate(shape), high=0.2, log=True),
        "depth": Int(low=4, high=8),
        "l2_leaf_reg": Float(low=1e-4, high=5.0, log=True),
    }
    if shape.n_categorical:
        space["one_hot_max_size"] = Int(low=8, high=100, log=True)
        space["max_ctr_complexity"] = Int(low=1, high=2)
    if (bins := fewer_bins(shape)) is not None:
        space |= {"border_count": Choice(options=(bins,)), "rsm": Float(low=0.1, high=1.0, log=True)}
    return space


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return complete trials: a modest booster that ends soon, then deeper, slower and statistics of categories.

    Notes
    -----
    Where a level looks at a fifth of the numbers, the first one may be as deep as the second for the time of a flat one
    that looks at half: ROC AUC of three folds 0.926 for 0.922, 0.961 for 0.958, 0.986 for 0.985, log loss 0.083 for
    0.086 on the tables of `search_space`.
    """
    slow = max(slowest_rate(shape), 0.02)
    changed: tuple[Params, ...] = (
        {"learning_rate": 0.2 if shape.n_classes > 2 else 0.15, "depth": 4 if fewer_bins(shape) is None else 6},
        {"learning_rate": 0.08, "depth": 6},
        {"learning_rate": 2 * slow, "depth": 5, "l2_leaf_reg": 0.5, "one_hot_max_size": 10},
        {"learning_rate": slow, "depth": 4, "l2_leaf_reg": 5.0},
        {"learning_rate": 2 * slow, "depth": 8, "l2_leaf_reg": 5.0},
        {"learning_rate": 2 * slow, "depth": 6, "l2_leaf_reg": 1.0, "one_hot_max_size": 8, "max_ctr_complexity": 2},
    )
    return tuple(_trial(shape, changes) for changes in changed)


def _trial(shape: Shape, changes: Params) -> Params:
    trial: dict[str, Scalar] = {"learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 3.0}
    if shape.n_categorical:
        trial |= {"one_hot_max_size": 100, "max_ctr_complexity": 1}
    if (bins := fewer_bins(shape)) is not None:
        trial |= {"border_count": bins, "rsm": 0.2}
    return {name: changes.get(name, value) for name, value in trial.items()}
