"""Metrics of the order of scores: area under the ROC curve, average precision.

More than two classes: the plain mean over classes of one class against the rest (macro one-vs-rest), over the
classes for which it is defined. Ties count as they do in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics.contract import Codes, Floats, Metric, Weighted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ranks:
    """Where each positive row stands among the negatives and the positives, by ascending score.

    Attributes
    ----------
    positives, negatives : ndarray of int
        Positions of rows, by ascending score.
    below, not_above : ndarray of shape (n_positives,)
        Number of negatives that score less, and at most as much.
    positives_below : ndarray of shape (n_positives,)
        Number of positives that score less.
    """

    positives: NDArray[np.intp]
    negatives: NDArray[np.intp]
    below: NDArray[np.intp]
    not_above: NDArray[np.intp]
    positives_below: NDArray[np.intp]


_RankedValues: TypeAlias = Callable[[_Ranks, Floats], Floats]


def roc_auc(y: Codes, proba: Floats) -> float:
    """Compute the area under the ROC curve, NaN for one class.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)

    References
    ----------
    Hanley, J. A., McNeil, B. J. (1982). The meaning and use of the area under a receiver operating
    characteristic (ROC) curve. Radiology 143(1). doi:10.1148/radiology.143.1.7063747

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([0.1, 0.4, 0.35, 0.8])
    >>> roc_auc(np.array([0, 0, 1, 1]), np.column_stack([1 - p, p]))
    0.75
    """
    return _mean_over_classes(_one_auc, y, proba)


def average_precision(y: Codes, proba: Floats) -> float:
    """Compute the mean of precision over the positive rows, NaN without any.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)

    References
    ----------
    Davis, J., Goadrich, M. (2006). The relationship between precision-recall and ROC curves. ICML.
    doi:10.1145/1143844.1143874
    """
    return _mean_over_classes(_one_average_precision, y, proba)


def _mean_over_classes(function: Callable[..., float], y: Codes, proba: Floats) -> float:
    """Apply to the positive class of two, or average over all classes for which it is defined."""
    if proba.shape[1] == 2:
        return function(proba[y == 1, 1], proba[y != 1, 1])
    values = [function(proba[y == code, code], proba[y != code, code]) for code in range(proba.shape[1])]
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _one_auc(positives: Floats, negatives: Floats) -> float:
    """Count the pairs in the right order; ties count half."""
    n_pairs = len(positives) * len(negatives)
    if n_pairs == 0:
        return float("nan")
    # Sorting both sides costs a few milliseconds and makes the look-ups run through memory in order.
    needles, stack = np.sort(positives), np.sort(negatives)
    below = np.searchsorted(stack, needles, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(stack, needles, side="right").sum(dtype=np.int64)
    return float((below + not_above) / (2 * n_pairs))


def _one_average_precision(positives: Floats, negatives: Floats) -> float:
    """Average over positive rows the precision of a cut at their score."""
    if len(positives) == 0:
        return float("nan")
    needles = np.sort(positives)
    hits = len(needles) - np.searchsorted(needles, needles, side="left")
    misses = len(negatives) - np.searchsorted(np.sort(negatives), needles, side="left")
    return float(np.mean(hits / (hits + misses)))


def _weighted(values: _RankedValues, y: Codes, proba: Floats) -> Weighted:
    """Sort once; what is returned computes the metric for many weightings of the rows."""
    codes = (1,) if proba.shape[1] == 2 else range(proba.shape[1])
    ranks = [_rank(y == code, proba[:, code]) for code in codes]
    return partial(_over_classes, values, ranks)


def _over_classes(values: _RankedValues, ranks: list[_Ranks], weights: Floats) -> Floats:
    """Average the values of each resample over the classes for which they are defined."""
    stacked = np.stack([values(one, weights) for one in ranks])
    defined = ~np.isnan(stacked)
    n_defined = defined.sum(axis=0)
    total = np.where(defined, stacked, 0.0).sum(axis=0)
    return _quotient(total, n_defined)


def _rank(is_positive: NDArray[np.bool_], scores: Floats) -> _Ranks:
    """Sort the rows of both sides and count who stands below each positive row."""
    order = np.argsort(scores, kind="stable")
    positives, negatives = order[is_positive[order]], order[~is_positive[order]]
    needles, stack = scores[positives], scores[negatives]
    return _Ranks(
        positives=positives,
        negatives=negatives,
        below=np.searchsorted(stack, needles, side="left"),
        not_above=np.searchsorted(stack, needles, side="right"),
        positives_below=np.searchsorted(needles, needles, side="left"),
    )


def _cumulated(weights: Floats) -> Floats:
    """Return running sums along rows, starting with 0."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _ranked_auc(ranks: _Ranks, weights: Floats) -> Floats:
    """Return the ROC AUC of each weighting, NaN where a side has no weight."""
    mine = weights[:, ranks.positives]
    theirs = _cumulated(weights[:, ranks.negatives])
    pairs = (mine * (theirs[:, ranks.below] + theirs[:, ranks.not_above])).sum(axis=1) / 2
    n_pairs = mine.sum(axis=1) * theirs[:, -1]
    return _quotient(pairs, n_pairs)


def _ranked_average_precision(ranks: _Ranks, weights: Floats) -> Floats:
    """Return the average precision of each weighting, NaN where the positive side has no weight."""
    mine = weights[:, ranks.positives]
    ours, theirs = _cumulated(mine), _cumulated(weights[:, ranks.negatives])
    hits = ours[:, -1:] - ours[:, ranks.positives_below]
    misses = theirs[:, -1:] - theirs[:, ranks.below]
    precision = np.divide(hits, hits + misses, out=np.zeros_like(hits), where=hits > 0)
    total, n_positives = (mine * precision).sum(axis=1), ours[:, -1]
    return _quotient(total, n_positives)


def _quotient(numerator: Floats, denominator: NDArray[Any]) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    quotient: Floats = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


ROC_AUC = Metric(
    name="roc_auc",
    needs="proba",
    greater_is_better=True,
    function=roc_auc,
    weighted=partial(_weighted, _ranked_auc),
)
AVERAGE_PRECISION = Metric(
    name="average_precision",
    needs="proba",
    greater_is_better=True,
    function=average_precision,
    weighted=partial(_weighted, _ranked_average_precision),
)
