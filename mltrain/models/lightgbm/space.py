"""Where LightGBM trials start and what they may be.

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
    "num_iterations", "learning_rate", "num_leaves", "max_depth", "min_data_in_leaf",
    "min_sum_hessian_in_leaf", "bagging_fraction", "pos_bagging_fraction", "neg_bagging_fraction",
    "bagging_freq", "feature_fraction", "feature_fraction_bynode", "extra_trees", "max_delta_step",
    "lambda_l1", "lambda_l2", "linear_lambda", "min_gain_to_split", "boosting", "top_rate", "other_rate",
    "data_sample_strategy",
    "min_data_per_group", "max_cat_threshold", "cat_l2", "cat_smooth", "max_cat_to_onehot", "path_smooth",
    "max_bin", "min_data_in_bin", "bin_construct_sample_cnt", "enable_bundle", "use_missing",
    "linear_tree", "is_unbalance", "scale_pos_weight", "boost_from_average", "monotone_constraints",
    "interaction_constraints", "use_quantized_grad", "num_grad_quant_bins", "histogram_pool_size",
})
# fmt: on
# What parameters are where neither the space nor first trials name them. That there is no limit is in no range of one.
DEFAULTS: Params = {
    "min_sum_hessian_in_leaf": 1e-3,
    "pos_bagging_fraction": 1.0,
    "neg_bagging_fraction": 1.0,
    "feature_fraction_bynode": 1.0,
    "linear_lambda": 0.0,
    "min_gain_to_split": 0.0,
    "boosting": "gbdt",
    "data_sample_strategy": "bagging",
    "path_smooth": 0.0,
    "max_bin": 255,
    "min_data_in_bin": 3,
    "max_cat_threshold": 32,
    "linear_tree": False,
    "is_unbalance": False,
    "scale_pos_weight": 1.0,
    "use_quantized_grad": False,
}
SYNONYMS = {
    "n_estimators": "num_iterations",
    "num_boost_round": "num_iterations",
    "num_rounds": "num_iterations",
    "eta": "learning_rate",
    "shrinkage_rate": "learning_rate",
    "max_leaves": "num_leaves",
    "min_child_samples": "min_data_in_leaf",
    "min_child_weight": "min_sum_hessian_in_leaf",
    "subsample": "bagging_fraction",
    "subsample_freq": "bagging_freq",
    "colsample_bytree": "feature_fraction",
    "colsample_bynode": "feature_fraction_bynode",
    "reg_alpha": "lambda_l1",
    "reg_lambda": "lambda_l2",
    "min_split_gain": "min_gain_to_split",
    "boosting_type": "boosting",
    "subsample_for_bin": "bin_construct_sample_cnt",
    "extra_tree": "extra_trees",
}
_MANY_ROWS = 3000
_ON_FEW_ROWS: tuple[Params, ...] = (
    {
        "learning_rate": 0.05,
        "num_leaves": 4,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "lambda_l2": 2.0,
    },
    {"learning_rate": 0.04, "feature_fraction": 0.6, "extra_trees": True},
    {
        "learning_rate": 0.013,
        "num_leaves": 5,
        "min_data_in_leaf": 12,
        "feature_fraction": 0.73,
        "extra_trees": True,
    },
    {
        "learning_rate": 0.018,
        "num_leaves": 39,
        "min_data_in_leaf": 3,
        "feature_fraction": 0.46,
        "extra_trees": True,
        "lambda_l1": 0.24,
        "lambda_l2": 0.36,
    },
    {
        "num_leaves": 12,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.7,
        "lambda_l2": 5.0,
    },
    {"learning_rate": 0.04, "num_leaves": 130, "min_data_in_leaf": 6, "extra_trees": True, "lambda_l2": 2.0},
    {"learning_rate": 0.02, "num_leaves": 24, "min_data_in_leaf": 5, "feature_fraction": 0.5, "lambda_l1": 0.6},
    {
        "learning_rate": 0.095,
        "num_leaves": 23,
        "min_data_in_leaf": 13,
        "feature_fraction": 0.78,
        "extra_trees": True,
    },
)
_ON_MANY_ROWS: tuple[Params, ...] = (
    {"learning_rate": 0.1, "num_leaves": 16, "feature_fraction": 0.8},
    {"learning_rate": 0.03, "num_leaves": 8, "feature_fraction": 0.5, "lambda_l1": 0.5},
    {"learning_rate": 0.02, "num_leaves": 24, "min_data_in_leaf": 5, "feature_fraction": 0.5, "lambda_l1": 0.6},
    {
        "num_leaves": 12,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.7,
        "lambda_l2": 5.0,
    },
    {"learning_rate": 0.1, "num_leaves": 5, "min_data_in_leaf": 10, "feature_fraction": 0.7},
    {"learning_rate": 0.02, "num_leaves": 50, "min_data_in_leaf": 40, "bagging_fraction": 0.75},
    {"num_leaves": 90, "min_data_in_leaf": 50, "feature_fraction": 0.6},
    {"learning_rate": 0.04, "feature_fraction": 0.6, "extra_trees": True},
)


# Of separable classes gradients soon vanish, and the usual penalty then stops trees from learning.
_OF_SEPARABLE_CLASSES: Params = {
    "learning_rate": 0.1,
    "min_data_in_leaf": 4,
    "feature_fraction": 0.5,
    "extra_trees": True,
    "lambda_l2": 0.005,
}


def search_space(shape: Shape) -> Space:
    """Return the ranges; large data gets faster learning rates, so that a fit ends within a short budget."""
    space: dict[str, Int | Float | Choice] = {
        "learning_rate": Float(low=slowest_rate_by_trees(shape), high=0.2, log=True),
        "num_leaves": Int(low=3, high=200, log=True),
        "min_data_in_leaf": Int(low=1 if shape.n_classes == 2 else 3, high=100, log=True),
        "feature_fraction": Float(low=0.3, high=1.0),
        "bagging_fraction": Float(low=0.6, high=1.0),
        "extra_trees": Choice(options=(False, True)),
        "lambda_l1": Float(low=1e-5, high=2.0, log=True),
        "lambda_l2": Float(low=1e-5, high=10.0, log=True),
    }
    if shape.n_categorical:
        space |= {
            "min_data_per_group": Int(low=2, high=100, log=True),
            "cat_l2": Float(low=0.005, high=10.0, log=True),
            "cat_smooth": Float(low=0.001, high=100.0, log=True),
            "max_cat_to_onehot": Int(low=4, high=100, log=True),
        }
    if (bins := fewer_bins(shape)) is not None:
        space["max_bin"] = Choice(options=(bins,))
    return space


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return complete trials: one that ends soon, then shapes that help each other, best first.

    Notes
    -----
    Extremely randomised splits were good on most data sets of up to 2,000 rows and poor on those of 7,000 and more, so
    they come last there. Rows count by how much their labels vary (`Shape.n_telling`): where one per cent of 8,000 rows
    were positive, the first four for few rows had a ROC AUC out of fold of 0.856 to 0.885, those for many 0.843 to
    0.873; with five per cent 0.740 to 0.748 and 0.738 to 0.744 (the imbalanced table and lending, outside of the
    benchmarks).

    On digits (10 classes, 1,437 rows) a penalty of 1 gave a log loss of 0.071 after 200 rounds and one of 0.01 or less
    0.057 to 0.061; on samples of diamonds and species the former was better by 0.00 to 0.03.
    """
    first, *others = _ON_FEW_ROWS if shape.n_telling < _MANY_ROWS else _ON_MANY_ROWS
    if shape.n_classes > 2:
        others.insert(0, _OF_SEPARABLE_CLASSES)
    soonest = {**first, "learning_rate": rate_of_first(shape, usual=float(str(first["learning_rate"])))}
    return (_trial(shape, soonest), *(_trial(shape, row) for row in others))


def _trial(shape: Shape, changes: Params) -> Params:
    trial: dict[str, Scalar] = {
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.9,
        "bagging_fraction": 0.9,
        "extra_trees": False,
        "lambda_l1": 1e-5,
        "lambda_l2": 1e-3 if shape.n_classes == 2 else 1.0,
    }
    if shape.n_categorical:
        trial |= {"min_data_per_group": 20, "cat_l2": 5.0, "cat_smooth": 10.0, "max_cat_to_onehot": 4}
    if (bins := fewer_bins(shape)) is not None:
        trial["max_bin"] = bins
    trial |= dict(changes)
    return trial | {"learning_rate": max(float(str(trial["learning_rate"])), slowest_rate_by_trees(shape))}
