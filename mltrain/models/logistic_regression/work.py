"""What one logistic regression costs, forecast before it begins."""

from __future__ import annotations

import math

from mltrain.models import Shape
from mltrain.models.logistic_regression.sizing import rows_at_most
from mltrain.models.parameters import number_or
from mltrain.space import Params

MOST_ITERATIONS = 300
_MOST_FILLED = 64
# How many of the features are numbers is not known here.
_NUMBERS = 0.5


def forecast_work(params: Params, shape: Shape) -> float:
    """Return about the seconds of one fit on one core of a usual machine of 2026.

    Notes
    -----
    About 60 iterations at ``C = 1``, growing like its fourth root, nearly twice as many with an L1 part (measured on
    german and adult); each passes twice over all cells.
    """
    factor = 1.7 if params.get("penalty", "l2") in ("l1", "elasticnet") else 1.0
    strength = max(number_or(params, "C", 1.0), 1e-12)
    most = min(max(number_or(params, "max_iter", MOST_ITERATIONS), 1), MOST_ITERATIONS)
    iterations = min(max(60 * math.pow(strength, 0.25), 10) * factor, most)
    n_outputs = 1 if shape.n_classes == 2 else shape.n_classes
    # Wider matrices are sparse, and very long ones are sampled.
    filled = min(shape.n_features, _MOST_FILLED) * (1 + _NUMBERS * max(number_or(params, "n_knots", 0), 0))
    rows = min(shape.n_samples, rows_at_most(filled, n_classes=shape.n_classes))
    return 0.001 + iterations * (1e-4 + n_outputs * rows * (2e-8 + 1e-9 * filled))
