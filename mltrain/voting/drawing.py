"""Which rows to look at where there are more than it takes to tell votes apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics import AVERAGE_PRECISION, ROC_AUC, Codes, Metric

_FEW = 50


def draw_rows(y: Codes, n_rows: int, rng: np.random.Generator, *, fewest: int = 1) -> NDArray[np.intp]:
    """Draw rows without replacement, ascending, each class by its share and at least some rows of it.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    n_rows : int
        Rows to draw; all are returned where there are no more.
    fewest : int
        Rows of each class at least, or all that there are; they come on top of ``n_rows``.
    """
    drawn = rng.permutation(len(y))
    if n_rows >= len(y):
        return np.arange(len(y))
    by_class = drawn[np.argsort(y[drawn], kind="stable")]
    # Every len / n_rows-th of the rows sorted by class: shares are kept to within one row.
    taken = by_class[(np.arange(n_rows) * len(y)) // n_rows]
    counts = np.bincount(y)
    ends = np.cumsum(counts)
    short = np.flatnonzero(np.bincount(y[taken], minlength=len(counts)) < np.minimum(counts, fewest))
    added = [by_class[ends[code] - counts[code] :][: min(fewest, counts[code])] for code in short]
    return np.unique(np.concatenate([taken, *added]))


def fewest_of_class(metric: Metric) -> int:
    """Return how many rows of each class a few thousand rows should hold to be judged by a metric.

    Metrics of the order of rows see nothing in a handful of one class, and do not mind if it has more than its share;
    to others shares matter, so one row does, without which a metric may be undefined.
    """
    return _FEW if metric in (ROC_AUC, AVERAGE_PRECISION) else 1
