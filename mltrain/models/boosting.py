"""How many rounds a booster may take and is expected to need, before it has begun."""

from __future__ import annotations

import math
from typing import Any

from mltrain.models import Limits, Shape
from mltrain.models.parameters import take_number
from mltrain.models.rounds import patience
from mltrain.space import Params

MOST_ROUNDS = 3000
_MOST_CELLS = 6e9
# Of one fit on several classes: so many predict 1,000 rows in some 0.2 s of a core; calibration makes up for the rest.
_MOST_TREES = 4_000
_FEW_ROWS = 8_000
_MANY_NUMBERS = 50
_BINS = 63


def fewer_bins(shape: Shape) -> int | None:
    """Return how many bins a number gets where the usual 255 would cost more than they tell; None elsewhere.

    Notes
    -----
    On few rows a tree spends its time on looking where to cut, feature by feature and bin by bin. On 1,280 rows of 300
    numbers, 63 or 64 bins instead of 255 made LightGBM, XGBoost and CatBoost 2 to 3 times as fast and no worse (ROC AUC
    of three folds 0.887 for 0.880, 0.865 for 0.867, 0.902 for 0.896). On four tables of up to 30 columns they saved
    little; there LightGBM's scores changed less than from draw to draw, CatBoost's fell on german, and on diamonds log
    loss rose by 0.006: narrow tables keep their bins.
    """
    is_wide = shape.n_samples < _FEW_ROWS and shape.n_features - shape.n_categorical >= _MANY_NUMBERS
    return _BINS if is_wide else None


def trees_per_round(n_classes: int) -> int:
    """Return how many trees one round grows."""
    return 1 if n_classes == 2 else n_classes


def rounds_of_trees(n_classes: int) -> int:
    """Return the rounds at most of a booster that grows a tree for each class of more than two.

    Notes
    -----
    On digits (10 classes) log loss fell from 0.0744 after 200 rounds to 0.0682 after 500 (extremely randomised splits
    at a learning rate of 0.1), half of it for want of sureness: calibrated it was 0.0714 and 0.0681. 2,500 rounds at a
    slower rate ended at 0.062 and took 5 s to predict 1,000 rows.
    """
    return MOST_ROUNDS if n_classes == 2 else max(_MOST_TREES // n_classes, 100)


def slowest_rate(shape: Shape) -> float:
    """Return the lowest learning rate worth its time on this many cells."""
    cells = shape.n_samples * shape.n_features * trees_per_round(shape.n_classes)
    return 0.01 if cells < 2e5 else 0.02 if cells < 1.5e6 else 0.03


def slowest_rate_by_trees(shape: Shape) -> float:
    """Return the same for boosters that grow a tree for each class: the more classes, the fewer rounds."""
    return max(slowest_rate(shape), 12 / rounds_of_trees(shape.n_classes) if shape.n_classes > 2 else 0.0)


def most_rounds(shape: Shape, *, learning_rate: float, cap: int = MOST_ROUNDS) -> int:
    """Return the rounds at most: what the user allows, what the rows leave time for, what the learning rate can use."""
    cells = shape.n_samples * shape.n_features * trees_per_round(shape.n_classes)
    by_rows = max(_MOST_CELLS / cells, 200)
    by_rate = max(100 / learning_rate, 100)
    return max(1, min(cap, int(by_rows), int(by_rate)))


def round_cap(
    settled: Params, X: Any, *, limits: Limits, n_classes: int, cap: int, own_cap: int, learning_rate: float
) -> int:
    """Return the rounds of one fit at most: as many as a final fit is told, else as `most_rounds` has them.

    Parameters
    ----------
    settled : Params
        Under the library's own names.
    X : matrix of shape (n_samples, n_features)
        All rows of the view.
    cap : int
        What the user allows.
    own_cap : int
        What the family does where nothing is told.
    learning_rate : float
        The library's where the parameters name none.

    Raises
    ------
    ValueError
        The learning rate is no positive number.
    """
    if limits.max_rounds is not None:
        return max(1, min(cap, limits.max_rounds))
    shape = Shape(n_samples=X.shape[0], n_features=X.shape[1], n_classes=n_classes)
    rate = take_number(dict(settled), "learning_rate", default=learning_rate, low=1e-6)
    return most_rounds(shape, learning_rate=rate, cap=min(cap, own_cap))


def rate_of_first(shape: Shape, *, usual: float) -> float:
    """Return the learning rate of a family's first trial, which is to end soon also on many cells or many classes."""
    if slowest_rate_by_trees(shape) <= 0.01:
        return usual
    return 0.2 if shape.n_classes > 2 else max(usual, 0.1)


def expected_rounds(shape: Shape, *, learning_rate: float, leaves: float, cap: int = MOST_ROUNDS) -> float:
    """Return the rounds until early stopping, its patience included.

    Notes
    -----
    ``rounds * learning_rate`` of the best round grew like the root of the rows and fell with the leaves of a tree:
    2.4 to 3.4 on 750 rows whatever the leaves; 78, 29, 14, 7 on 24,000 rows with 5, 8, 16, 50 leaves (measured for
    LightGBM on german and adult, alike for XGBoost). With one per cent of 6,400 rows positive it was 2 to 3 with 16 to
    31 leaves and 12 to 14 with 4 or 5: all rows would give 7 to 11 and 24 to 28, those that tell 3 to 4 and 6 to 7.
    """
    best = (2.0 + math.sqrt(shape.n_telling) * math.pow(leaves, -0.8)) / learning_rate
    wanted = best + patience(shape.n_samples, best)
    return min(wanted, most_rounds(shape, learning_rate=learning_rate, cap=cap))
