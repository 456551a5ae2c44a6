"""What may become a first trial: rows of published portfolios, mltrain's first trials of before, and a few of our own.

Figures after the portfolios of AutoGluon 2023 and 2025 and the tuned defaults of pytabkit (both Apache-2.0), rounded.
A row names what differs from the family's filler; ``old`` marks the first trials that the benchmark is to beat.
"""

from __future__ import annotations

from collections.abc import Mapping

from mltrain.models import ModelFamily, Shape
from mltrain.models.lightgbm import FAMILY as LIGHTGBM
from mltrain.models.logistic_regression import FAMILY as LINEAR
from mltrain.models.random_forest import FAMILY as FOREST
from mltrain.models.xgboost import FAMILY as XGBOOST
from mltrain.space import Params, Scalar

FAMILIES: tuple[ModelFamily, ...] = (LIGHTGBM, LINEAR, FOREST, XGBOOST)

# learning rate, leaves, rows in a leaf, feature fraction, bagging fraction, extra trees, L1, L2 (0: the filler's)
_LIGHTGBM = {
    "old1": (0.1, 16, 20, 0.8, 0.9, False, 0, 0),
    "old2": (0.04, 31, 20, 0.6, 0.9, True, 0, 0),
    "old3": (0.03, 8, 20, 0.5, 0.9, False, 0.5, 0),
    "old4": (0.04, 90, 50, 0.6, 0.9, False, 0, 0),
    "old5": (0.02, 24, 5, 0.5, 0.9, False, 0.6, 0),
    "old6": (0.02, 50, 40, 0.9, 0.75, False, 0, 0),
    "old7": (0.04, 130, 6, 0.9, 0.9, True, 0, 2.0),
    "old8": (0.1, 5, 10, 0.7, 0.9, False, 0, 0),
    "default": (0.1, 31, 20, 1.0, 1.0, False, 0, 0),
    "ag5": (0.015, 16, 48, 0.56, 0.9, True, 0, 0),
    "ag10": (0.04, 16, 33, 0.43, 0.9, True, 0, 0),
    "ag25-1": (0.018, 39, 3, 0.46, 0.9, True, 0.24, 0.36),
    "ag25-4": (0.013, 5, 12, 0.73, 0.9, True, 0, 0),
    "ag25-6": (0.031, 24, 3, 0.49, 0.9, False, 0.64, 0.58),
    "ag25-7": (0.095, 23, 13, 0.78, 0.9, True, 0, 0),
    "own1": (0.05, 4, 10, 0.5, 0.8, False, 0, 2.0),
    "own2": (0.02, 6, 20, 0.4, 0.8, False, 1.0, 5.0),
    "own3": (0.06, 8, 50, 0.5, 0.7, False, 0, 10.0),
    "own4": (0.05, 12, 10, 0.4, 0.7, False, 0, 5.0),
}

# learning rate, depth, hessian in a leaf, subsample, columns by level, by node, L2, leaves (0: by depth)
_XGBOOST = {
    "old1": (0.1, 4, 1.0, 0.8, 1.0, 1.0, 1.0, 0),
    "old2": (0.08, 6, 1.0, 0.65, 0.9, 1.0, 1e-3, 0),
    "old3": (0.04, 7, 0.6, 0.9, 1.0, 0.75, 1.0, 0),
    "old4": (0.02, 4, 0.9, 0.9, 1.0, 0.75, 1.0, 0),
    "old5": (0.09, 5, 0.6, 0.9, 1.0, 0.65, 1.0, 0),
    "old6": (0.02, 10, 0.6, 0.9, 1.0, 1.0, 1.0, 64),
    "old7": (0.04, 3, 5.0, 0.9, 1.0, 1.0, 5.0, 0),
    "ag3": (0.093, 7, 0.8, 0.9, 1.0, 0.91, 1.0, 0),
    "ag6": (0.01, 4, 0.92, 0.9, 1.0, 0.75, 1.0, 0),
    "own1": (0.06, 3, 5.0, 0.7, 1.0, 0.5, 10.0, 0),
    "own2": (0.03, 5, 3.0, 0.7, 0.7, 0.6, 5.0, 0),
    "own3": (0.04, 8, 8.0, 0.7, 1.0, 0.5, 5.0, 16),
}

# share of features (0: their square root), rows in a leaf, criterion, bootstrap, extremely randomised
_FOREST = {
    "old1": (0.0, 4, "gini", True, False),
    "old2": (0.75, 2, "gini", False, True),
    "old3": (0.4, 10, "entropy", True, False),
    "old4": (0.0, 1, "entropy", True, False),
    "old5": (1.0, 4, "entropy", False, True),
    "old6": (0.75, 40, "gini", True, False),
    "rf-root-1": (0.0, 1, "gini", True, False),
    "rf-root-10": (0.0, 10, "gini", True, False),
    "rf-half-5": (0.5, 5, "gini", True, False),
    "xt-root-1": (0.0, 1, "gini", False, True),
    "xt-root-3": (0.0, 3, "entropy", False, True),
    "xt-half-5": (0.5, 5, "entropy", False, True),
}

# strength, penalty, knots; many more of them, and landmarks, in linear_models.py
_LINEAR = {
    "old1": (0.1, "l2", 0),
    "old2": (1.0, "l2", 0),
    "old3": (0.01, "l2", 0),
    "old4": (1.0, "elasticnet", 0),
    "old5": (0.1, "l1", 0),
    "old6": (10.0, "l2", 0),
    "l2-tiny": (0.003, "l2", 0),
    "l2-0.03": (0.03, "l2", 0),
    "l1-1": (1.0, "l1", 0),
    "en-0.1": (0.1, "elasticnet", 0),
    "l2-100": (100.0, "l2", 0),
    "bent-0.3": (0.3, "l2", 8),
    "bent-l1": (0.1, "l1", 8),
    "bent-en": (3.0, "elasticnet", 12),
    "bent-1": (1.0, "l2", 4),
    "bent-0.03": (0.03, "l2", 12),
    "bent-3": (3.0, "l2", 2),
}


def candidates(family: ModelFamily, shape: Shape) -> Mapping[str, Params]:
    """Return every candidate of a family by its name, complete for data of this shape."""
    make = {"lgbm": _lightgbm, "xgboost": _xgboost, "random_forest": _forest, "logistic_regression": _linear}
    return make[family.name](shape)


def _lightgbm(shape: Shape) -> Mapping[str, Params]:
    many = shape.n_classes > 2
    native: dict[str, Scalar] = {"min_data_per_group": 20, "cat_l2": 5.0, "cat_smooth": 10.0, "max_cat_to_onehot": 4}
    return {
        name: {
            "learning_rate": rate,
            "num_leaves": leaves,
            "min_data_in_leaf": rows,
            "feature_fraction": features,
            "bagging_fraction": bag,
            "extra_trees": extra,
            "lambda_l1": l1 or 1e-5,
            "lambda_l2": l2 or (1.0 if many else 1e-3),
            **(native if shape.n_categorical else {}),
        }
        for name, (rate, leaves, rows, features, bag, extra, l1, l2) in _LIGHTGBM.items()
    }


def _xgboost(shape: Shape) -> Mapping[str, Params]:
    native: dict[str, Scalar] = {"max_cat_to_onehot": 8}
    return {
        name: {
            "learning_rate": rate,
            "max_depth": depth,
            "min_child_weight": hessian,
            "subsample": rows,
            "colsample_bylevel": by_level,
            "colsample_bynode": by_node,
            "alpha": 1e-4,
            "lambda": l2,
            "grow_policy": "lossguide" if leaves else "depthwise",
            "max_leaves": leaves or 256,
            **(native if shape.n_categorical else {}),
        }
        for name, (rate, depth, hessian, rows, by_level, by_node, l2, leaves) in _XGBOOST.items()
    }


def _forest(shape: Shape) -> Mapping[str, Params]:
    root = min(0.4, float(shape.n_features**-0.5))
    return {
        name: {
            "max_features": share or root,
            "min_samples_leaf": rows,
            "criterion": criterion,
            "bootstrap": bootstrap,
            "extra_trees": extra,
        }
        for name, (share, rows, criterion, bootstrap, extra) in _FOREST.items()
    }


def _linear(shape: Shape) -> Mapping[str, Params]:
    del shape
    return {
        name: {"C": strength, "penalty": penalty, "n_knots": knots}
        for name, (strength, penalty, knots) in _LINEAR.items()
    }
