"""Metrics of decisions, each a function of confusion matrices.

Matrices have the shape (n_classes, n_classes, ...), true classes first, so that one call scores every
threshold or every resample. Two classes: precision, recall and F are those of class 1. More: the plain mean
over the classes that were seen or predicted (macro). A ratio 0 / 0 counts as 0, so deciding for nobody never
wins by an empty denominator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from mltrain.metrics.contract import Codes, Floats, Metric


def confusion_matrix(y: Codes, decided: Codes, *, n_classes: int) -> Floats:
    """Count rows by true and decided class.

    Parameters
    ----------
    y, decided : ndarray of shape (n_samples,), class codes

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        True classes in rows.
    """
    counts = np.bincount(y * n_classes + decided, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def accuracy(confusion: Floats) -> Floats:
    """Return the share of right decisions."""
    return _ratio(_hits(confusion).sum(axis=0), confusion.sum(axis=(0, 1)))


def balanced_accuracy(confusion: Floats) -> Floats:
    """Return the mean recall over the classes that were seen."""
    actual = confusion.sum(axis=1)
    return _ratio(_ratio(_hits(confusion), actual).sum(axis=0), (actual > 0).sum(axis=0))


def precision(confusion: Floats) -> Floats:
    """Return how often a decision for the class was right."""
    return _positive_or_macro(_ratio(_hits(confusion), confusion.sum(axis=0)), confusion)


def recall(confusion: Floats) -> Floats:
    """Return how much of the class was found."""
    return _positive_or_macro(_ratio(_hits(confusion), confusion.sum(axis=1)), confusion)


def fbeta(confusion: Floats, *, beta: float) -> Floats:
    """Return the weighted harmonic mean of precision and recall; recall counts ``beta`` times as much.

    References
    ----------
    van Rijsbergen, C. J. (1979). Information Retrieval, 2nd edition, chapter 7. Butterworths.
    """
    squared = beta * beta
    hits, actual, decided = _hits(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return _positive_or_macro(_ratio((1 + squared) * hits, squared * actual + decided), confusion)


def mcc(confusion: Floats) -> Floats:
    """Return Matthews' correlation coefficient, 0 where it is not defined.

    References
    ----------
    Gorodkin, J. (2004). Comparing two K-category assignments by a K-category correlation coefficient.
    Computational Biology and Chemistry 28(5-6). doi:10.1016/j.compbiolchem.2004.09.006
    """
    total = confusion.sum(axis=(0, 1))
    actual, decided = confusion.sum(axis=1), confusion.sum(axis=0)
    covariance = _hits(confusion).sum(axis=0) * total - (actual * decided).sum(axis=0)
    spread = (total**2 - (actual**2).sum(axis=0)) * (total**2 - (decided**2).sum(axis=0))
    return _ratio(covariance, np.sqrt(spread))


def _hits(confusion: Floats) -> Floats:
    """Return the diagonals, shape (n_classes, ...)."""
    codes = np.arange(len(confusion))
    return confusion[codes, codes]


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; 0 / 0 is 0."""
    numerator = np.asarray(numerator, dtype=np.float64)
    ratio: Floats = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _positive_or_macro(values: Floats, confusion: Floats) -> Floats:
    """Return the values of class 1 of two, or the mean over the classes that were seen or predicted."""
    if len(values) == 2:
        positive: Floats = values[1]
        return positive
    present = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return _ratio(np.where(present, values, 0.0).sum(axis=0), present.sum(axis=0))


def _score(from_confusion: Callable[[Floats], Floats], n_classes: int, y: Codes, decided: Codes) -> float:
    """Score decisions through their confusion matrix."""
    return float(from_confusion(confusion_matrix(y, decided, n_classes=n_classes)))


def _metric(name: str, from_confusion: Callable[[Floats], Floats], *, n_classes: int, beta: float = 1.0) -> Metric:
    """Make a metric for this number of classes; a sample that lacks a class must not change its meaning."""
    del beta
    function = partial(_score, from_confusion, n_classes)
    return Metric(name=name, needs="labels", greater_is_better=True, function=function, from_confusion=from_confusion)


def fbeta_score(*, n_classes: int, beta: float = 1.0) -> Metric:
    """Make the F-beta score.

    Examples
    --------
    >>> import numpy as np
    >>> metric = fbeta_score(n_classes=2, beta=0.5)
    >>> round(metric.function(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])), 4)
    0.8333
    """
    from_confusion = partial(fbeta, beta=beta)
    return Metric(
        name="fbeta_score",
        needs="labels",
        greater_is_better=True,
        function=partial(_score, from_confusion, n_classes),
        beta=beta,
        from_confusion=from_confusion,
    )


ACCURACY = partial(_metric, "accuracy", accuracy)
BALANCED_ACCURACY = partial(_metric, "balanced_accuracy", balanced_accuracy)
PRECISION = partial(_metric, "precision", precision)
RECALL = partial(_metric, "recall", recall)
F1 = partial(_metric, "f1", partial(fbeta, beta=1.0))
MCC = partial(_metric, "mcc", mcc)
