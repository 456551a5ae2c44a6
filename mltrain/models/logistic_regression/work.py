"""What one logistic regression costs, forecast before it begins."""

from __future__ import annotations

import math

from mltrain.models import Shape
from mltrain.models.logistic_regression.sizing import rows_at_most
from mltrain.models.parameters import number_or
from mltrain.space import Params

MOST_ITERATIONS = 300
# How many of the features are numbers is not known here.
_NUMBERS = 0.5


def forecast_work(params: Params, shape: Shape) -> float:
    """Return about the seconds of one fit on one core of a usual machine of 2026.

    Notes
    -----
    About 60 iterations at ``C = 1``, growing like its fourth root, nearly twice as many with an L1 part (measured on
    german and adult), and with bends 1 + n_knots / 4 times as many (1.6 to 3.9 times with 8 knots and 1.2 to 5.9 with
    12, without an L1 part, on german, telco, adult, digits and 300 made columns). Each passes twice over all cells.
    Landmarks are as many cells, and dear to measure by once.
    """
    factor = 1.7 if params.get("penalty", "l2") in ("l1", "elasticnet") else 1.0
    strength = max(number_or(params, "C", 1.0), 1e-12)
    most = min(max(number_or(params, "max_iter", MOST_ITERATIONS), 1), MOST_ITERATIONS)
    n_knots = max(number_or(params, "n_knots", 0), 0)
    iterations = min(max(60 * math.pow(strength, 0.25), 10) * factor * (1 + n_knots / 4), most)
    n_outputs = 1 if shape.n_classes == 2 else shape.n_classes
    # Very long ones are sampled.
    filled = (shape.n_features if shape.n_filled is None else shape.n_filled) * (1 + _NUMBERS * n_knots)
    n_landmarks = max(number_or(params, "n_landmarks", 0), 0)
    mapping_s = 0.0
    if n_landmarks:
        n_landmarks = min(n_landmarks, max(shape.n_samples // 2, 1))
        filled = n_landmarks
        mapping_s = 5e-10 * n_landmarks**3 + shape.n_samples * n_landmarks * (1e-8 + 1e-10 * shape.n_features)
    rows = min(shape.n_samples, rows_at_most(filled, n_classes=shape.n_classes))
    return 0.001 + mapping_s + iterations * (1e-4 + n_outputs * rows * (2e-8 + 1e-9 * filled))
