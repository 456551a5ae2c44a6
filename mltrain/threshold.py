"""Where a probability becomes a decision for the positive class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics import Codes, Floats, Metric, sweep

_NEUTRAL = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """A threshold and the score that it reached on the rows that it was chosen on."""

    value: float
    score: float


def best_threshold(metric: Metric, y: Codes, positive_proba: Floats) -> Threshold:
    """Find the threshold with the best score; of equal ones the nearest to 0.5, then the lower.

    Parameters
    ----------
    metric : Metric
        One that needs labels.
    y : ndarray of shape (n_samples,), codes 0 and 1
    positive_proba : ndarray of shape (n_samples,)

    Notes
    -----
    Exact for metrics of the confusion matrix: every distinct probability is tried. A threshold that decides
    for no row has precision 0 and cannot win by an empty denominator.

    Examples
    --------
    >>> import numpy as np
    >>> from mltrain.metrics import resolve
    >>> f1 = resolve("f1", n_classes=2)
    >>> best_threshold(f1, np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.4, 0.9]))
    Threshold(value=0.30000000000000004, score=1.0)
    """
    swept = sweep(metric, y, positive_proba=positive_proba)
    best = np.nanmax(swept.scores) if metric.greater_is_better else np.nanmin(swept.scores)
    ties = swept.thresholds[swept.scores == best]
    value = ties[np.argmin(np.abs(ties - _NEUTRAL))]
    return Threshold(value=float(value), score=float(best))


def decide(proba: Floats, threshold: float | None) -> NDArray[np.int64]:
    """Turn probabilities into class codes.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float, optional
        For two classes: decide for class 1 from this probability on; None means 0.5. More classes: unused,
        the most probable one wins.

    Returns
    -------
    ndarray of shape (n_samples,), class codes
    """
    decided: NDArray[np.int64] = (
        proba.argmax(axis=1) if proba.shape[1] > 2 else proba[:, 1] >= (_NEUTRAL if threshold is None else threshold)
    ).astype(np.int64)
    return decided
