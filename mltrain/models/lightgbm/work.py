"""What one LightGBM fit costs, forecast before it begins."""

from __future__ import annotations

import math

from mltrain.models import Shape
from mltrain.models.boosting import MOST_ROUNDS, expected_rounds, rounds_of_trees, trees_per_round
from mltrain.models.lightgbm.space import SYNONYMS
from mltrain.models.parameters import number_or, own_names, share_or_all
from mltrain.space import Params


def forecast_work(params: Params, shape: Shape) -> float:
    """Return about the seconds of one fit on one core of a usual machine of 2026.

    Notes
    -----
    A tree costs a little for itself, 60 ns a row (gradients, scores, losses), 3.3 ns a cell and level (histograms) and
    1 microsecond a leaf and feature of 255 bins (where to cut); rounds by `expected_rounds`. Measured on german, adult
    and 200,000 generated rows of 20 columns.
    """
    own = own_names(params, SYNONYMS)
    leaves = max(number_or(own, "num_leaves", 31), 2)
    depth = number_or(own, "max_depth", -1)
    if depth > 0:
        leaves = min(leaves, 2.0 ** min(depth, 30))
    room = max(shape.n_samples / (2 * max(number_or(own, "min_data_in_leaf", 20), 1)), 2)
    rounds = expected_rounds(
        shape,
        learning_rate=max(number_or(own, "learning_rate", 0.1), 1e-6),
        leaves=leaves,
        cap=min(int(max(number_or(own, "num_iterations", MOST_ROUNDS), 1)), rounds_of_trees(shape.n_classes)),
    )
    features = shape.n_features * share_or_all(own, "feature_fraction")
    cuts = features * min(max(number_or(own, "max_bin", 255), 2), 255) / 255
    cells = shape.n_samples * share_or_all(own, "bagging_fraction") * features
    per_tree = 1e-4 + 6e-8 * shape.n_samples + 3.3e-9 * cells * math.log2(leaves) + 1e-6 * min(leaves, room) * cuts
    return 0.005 + rounds * (1e-4 + per_tree * trees_per_round(shape.n_classes))
