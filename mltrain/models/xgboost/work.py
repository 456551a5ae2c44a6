"""What one XGBoost fit costs, forecast before it begins."""

from __future__ import annotations

import math

from mltrain.models import Shape
from mltrain.models.boosting import MOST_ROUNDS, expected_rounds, rounds_of_trees, trees_per_round
from mltrain.models.parameters import number_or, own_names, share_or_all
from mltrain.models.xgboost.space import SYNONYMS
from mltrain.space import Params


def forecast_work(params: Params, shape: Shape) -> float:
    """Return about the seconds of one fit on one core of a usual machine of 2026.

    Notes
    -----
    A tree costs a little for itself, 50 ns a row (gradients, scores, losses), 2.2 ns a cell and level (histograms) and
    1.5 microseconds a leaf and feature of 256 bins (where to cut); rounds by `expected_rounds`. Measured on german,
    adult and 200,000 generated rows of 20 columns.
    """
    own = own_names(params, SYNONYMS)
    most_leaves = number_or(own, "max_leaves", 0)
    depth = number_or(own, "max_depth", 6)
    leaves = 2.0 ** min(depth, 12) if depth > 0 else max(most_leaves, 2)
    if most_leaves > 0:
        leaves = min(leaves, most_leaves)
    leaves = max(leaves, 2)
    room = max(shape.n_samples / 20, 2)
    rounds = expected_rounds(
        shape,
        learning_rate=max(number_or(own, "learning_rate", 0.3), 1e-6),
        leaves=leaves,
        cap=min(int(max(number_or(own, "n_estimators", MOST_ROUNDS), 1)), rounds_of_trees(shape.n_classes)),
    )
    share = share_or_all(own, "colsample_bytree") * share_or_all(own, "colsample_bylevel")
    features = shape.n_features * share * share_or_all(own, "colsample_bynode")
    cuts = features * min(max(number_or(own, "max_bin", 256), 2), 256) / 256
    cells = shape.n_samples * features
    levels = min(depth, math.log2(leaves) + 2) if depth > 0 else math.log2(leaves) + 2
    per_tree = 1e-4 + 5e-8 * shape.n_samples + 2.2e-9 * cells * levels + 1.5e-6 * min(leaves, room) * cuts
    return 0.005 + rounds * (2e-4 + per_tree * trees_at_once(params) * trees_per_round(shape.n_classes))


def trees_at_once(params: Params) -> float:
    """Return how many trees a round grows for each class: a forest of them where the user says so."""
    return max(number_or(own_names(params, SYNONYMS), "num_parallel_tree", 1), 1)
