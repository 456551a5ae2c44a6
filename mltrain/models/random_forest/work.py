"""What one forest costs, forecast before it begins."""

from __future__ import annotations

import math

from mltrain.models import Shape
from mltrain.models.parameters import number_or
from mltrain.models.random_forest.sizing import size_forest
from mltrain.space import Params, Scalar

# Seconds for a row, a feature looked at and a level of the tree. The best cut takes 37 ns where values repeat (adult,
# cdc) and 140 ns where all differ, for they are sorted; where nobody knows, between the two.
_REPEATED, _DIFFERENT, _UNKNOWN = 37e-9, 140e-9, 70e-9
_RANDOM_CUT = 16e-9


def forecast_work(params: Params, shape: Shape) -> float:
    """Return about the seconds of one fit on one core of a usual machine of 2026.

    Notes
    -----
    A tree costs 0.7 ms for itself, then by rows, levels and features looked at; measured on german, adult, cdc and
    generated rows.
    """
    leaf = max(number_or(params, "min_samples_leaf", 1), 1)
    size = size_forest(shape, share=min(max(number_or(params, "max_samples", 1.0), 1e-9), 1.0), leaf_rows=leaf)
    n_trees = max(number_or(params, "n_estimators", size.n_trees), 1)
    is_bootstrap = params.get("bootstrap", True) is not False
    # A bootstrap of all rows holds 63 % of them.
    rows = shape.n_samples * (1 - math.exp(-size.n_rows / shape.n_samples)) if is_bootstrap else size.n_rows
    levels = math.log2(max(rows / leaf, 2))
    depth = number_or(params, "max_depth", levels)
    looked_at = _features_per_cut(params.get("max_features"), shape.n_features)
    best_cut = _UNKNOWN if shape.distinct is None else _REPEATED + (_DIFFERENT - _REPEATED) * shape.distinct
    per_cell = _RANDOM_CUT if params.get("extra_trees") else best_cut
    return 0.005 + n_trees * (7e-4 + per_cell * rows * looked_at * max(min(levels, depth), 1.0))


def _features_per_cut(wanted: Scalar, n_features: int) -> float:
    """Return how many features a cut looks at: a number of them, a share, or else their square root."""
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return float(min(max(wanted, 1), n_features))
    share = wanted if isinstance(wanted, float) and 0.0 < wanted <= 1.0 else n_features**-0.5
    return max(share * n_features, 1.0)
