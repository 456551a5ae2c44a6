"""What one CatBoost fit costs, forecast before it begins."""

from __future__ import annotations

import math

from mltrain.models import Shape
from mltrain.models.boosting import MOST_ROUNDS, expected_rounds, trees_per_round
from mltrain.models.catboost.space import SYNONYMS
from mltrain.models.parameters import number_or, own_names, share_or_all
from mltrain.space import Params

_MOST_BINS = 254
_DEEPEST = 16


def forecast_work(params: Params, shape: Shape) -> float:
    """Return about the seconds of one fit on one core of a usual machine of 2026.

    Notes
    -----
    A tree costs a little for itself, 80 ns a row (gradients, scores, losses), 2 ns a cell and level (histograms) and
    5 ns a leaf and bin of a number (where to cut); statistics of categories come on top. A level of a symmetric tree
    has one cut for all its nodes, so rounds are needed as by a leaf-wise tree of ``2 ** (1 + depth / 2)`` leaves.
    Measured on german, credit, telco, lending, adult, cdc, diamonds and species.
    """
    own = own_names(params, SYNONYMS)
    depth = min(max(number_or(own, "depth", 6), 1), _DEEPEST)
    rounds = expected_rounds(
        shape,
        learning_rate=max(number_or(own, "learning_rate", 0.05), 1e-6),
        leaves=math.pow(2, 1 + depth / 2),
        cap=int(max(number_or(own, "iterations", MOST_ROUNDS), 1)),
    )
    share = share_or_all(own, "rsm")
    bins = min(max(number_or(own, "border_count", _MOST_BINS), 1), shape.n_samples / 4)
    cells = shape.n_samples * shape.n_features * share
    n_numbers = (shape.n_features - shape.n_categorical) * share
    per_tree = 8e-8 * shape.n_samples + 2e-9 * cells * depth + 5e-9 * math.pow(2, depth) * bins * n_numbers
    statistics = _statistics_s(own, shape) * share
    return 0.005 + rounds * (3e-4 + per_tree * trees_per_round(shape.n_classes) + statistics)


def _statistics_s(own: Params, shape: Shape) -> float:
    """Return the seconds that one round spends on statistics of the target by category.

    Notes
    -----
    190 ns a row, class and category of more levels than ``one_hot_max_size``, twice that with pairs (lending, adult).
    How many levels there are is not known: ``2 / one_hot_max_size`` of the categories are taken to have more.
    """
    one_hot = max(number_or(own, "one_hot_max_size", 2), 1)
    n_affected = shape.n_categorical * min(2 / one_hot, 1.0)
    factor = min(max(number_or(own, "max_ctr_complexity", 4), 1), 2)
    return 1.9e-7 * shape.n_samples * n_affected * factor * trees_per_round(shape.n_classes)
