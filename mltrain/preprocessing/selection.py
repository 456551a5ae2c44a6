"""Choose features by their importance on the training rows of one fold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mltrain.models import View

_ROWS_PER_CLASS = 10_000
_MOST_ROWS = 60_000
# Features are selected for each fold and each view before a search begins, whatever its budget.
_MOST_CELLS, _FEWEST_ROWS, _N_TREES = 600_000, 1_000, 50


def select_features(
    view: View,
    y: NDArray[np.int64],
    *,
    rows: NDArray[np.intp],
    keep: float,
    n_classes: int,
    seed: int,
) -> NDArray[np.intp]:
    """Return the positions of the most important features, ascending.

    Parameters
    ----------
    rows : ndarray of int
        The training rows of the fold: no other row is looked at.
    keep : float
        Share of the features to keep, in (0, 1]; at least one is kept.

    Notes
    -----
    Mean decrease in impurity of extremely randomised trees on at most 60,000 of the rows, or 600,000 filled cells;
    shallow trees with leaves of five rows, so that noise with many values gains little.

    References
    ----------
    Geurts, Ernst, Wehenkel (2006), Extremely randomized trees, doi:10.1007/s10994-006-6226-1.
    """
    n_kept = max(1, math.ceil(keep * view.n_features - 1e-9))
    if n_kept >= view.n_features or np.unique(y[rows]).size < 2:
        return np.arange(view.n_features, dtype=np.intp)
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415  (0.15 s that only this function needs)

    by_cells = max(int(_MOST_CELLS / max(view.n_filled, 1.0)), _FEWEST_ROWS)
    most = min(_ROWS_PER_CLASS * n_classes, _MOST_ROWS, by_cells)
    if rows.size > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))
    # On one thread: each of scikit-learn's empties Python's list of warning filters, under the hands of the others.
    forest = ExtraTreesClassifier(n_estimators=_N_TREES, max_depth=12, min_samples_leaf=5, random_state=seed)
    importances = forest.fit(view.X[rows], y[rows]).feature_importances_
    ranked = np.argsort(-importances, kind="stable")
    return np.sort(ranked[:n_kept]).astype(np.intp)
