"""Judge predictions: metrics with intervals, confusion matrix, calibration curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.data import Label
from mltrain.evaluation.bootstrap import percentile_ends, resampled_scores
from mltrain.evaluation.importance import permutation_importance
from mltrain.metrics import Codes, Floats, Metric, confusion_matrix
from mltrain.metrics.probabilities import confidences, equal_mass_bins
from mltrain.threshold import decide

__all__ = [
    "CalibrationCurve",
    "Evaluation",
    "Interval",
    "calibration_curve",
    "evaluate",
    "permutation_importance",
]

_CURVE_BINS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A value and the ends of its confidence interval; NaN where it is not defined on these rows."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationCurve:
    """Predicted probabilities against what came true, in bins of about equally many rows.

    Attributes
    ----------
    predicted, observed : tuple of float
        Mean probability and share of hits of each bin: of the positive class of two, of the most probable
        class of more.
    n_rows : tuple of int
        Rows of each bin.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    n_rows: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """How good predictions are.

    Attributes
    ----------
    metrics : mapping of str to Interval
    confusion : ndarray of int, shape (n_classes, n_classes)
        True classes in rows, in the order of ``classes``.
    class_counts : tuple of int
        Rows of each class, in the order of ``classes``.
    n_bootstrap : int
        Resamples behind the intervals: those asked for, or fewer above the work cap.
    n_resamples : mapping of str to int
        The same by metric: those that are no more than a function get fewer on many rows.
    """

    metrics: Mapping[str, Interval]
    confusion: NDArray[np.int64]
    n_rows: int
    classes: tuple[Label, ...]
    class_counts: tuple[int, ...]
    threshold: float | None
    confidence: float
    n_bootstrap: int
    n_resamples: Mapping[str, int]
    calibration: CalibrationCurve


def evaluate(  # noqa: PLR0913  (each is one fact of the judgement)
    y: Codes,
    proba: Floats,
    *,
    classes: Sequence[Label],
    threshold: float | None,
    metrics: Sequence[Metric],
    n_bootstrap: int,
    confidence: float,
    seed: int,
) -> Evaluation:
    """Compute metrics with bootstrap percentile intervals.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    classes : sequence of labels, length n_classes
    threshold : float, optional
        Where the positive class of two is decided for; None means 0.5. It is not tuned here.

    Notes
    -----
    Rows are drawn with replacement, not class by class, so that the interval also holds the luck of how many
    rows of each class came up. Intervals are widened to hold the value itself: the calibration error of a
    resample is larger than that of the rows by construction.
    """
    threshold = threshold if proba.shape[1] == 2 else None
    resampled = resampled_scores(metrics, y, proba=proba, threshold=threshold, n_bootstrap=n_bootstrap, seed=seed)
    decided = decide(proba, threshold)
    n_resamples = {name: len(scores) for name, scores in resampled.items()}
    return Evaluation(
        metrics={
            metric.name: _interval(
                metric.function(y, decided if metric.needs == "labels" else proba),
                resampled[metric.name],
                confidence,
            )
            for metric in metrics
        },
        confusion=confusion_matrix(y, decided, n_classes=len(classes)).astype(np.int64),
        n_rows=len(y),
        classes=tuple(classes),
        class_counts=tuple(int(count) for count in np.bincount(y, minlength=len(classes))),
        threshold=threshold,
        confidence=confidence,
        n_bootstrap=max(n_resamples.values(), default=0),
        n_resamples=n_resamples,
        calibration=calibration_curve(y, proba),
    )


def _interval(value: float, resampled: Floats, confidence: float) -> Interval:
    """Return the percentile interval, widened to hold the value."""
    low, high = percentile_ends(resampled, confidence=confidence)
    if np.isnan(value):
        return Interval(value=value, low=value, high=value)
    return Interval(value=float(value), low=float(np.fmin(low, value)), high=float(np.fmax(high, value)))


def calibration_curve(y: Codes, proba: Floats) -> CalibrationCurve:
    """Compare probabilities with what came true, in ten bins.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    """
    confidence, is_hit = confidences(y, proba)
    _, bins = np.unique(equal_mass_bins(confidence, _CURVE_BINS), return_inverse=True)
    n_rows = np.bincount(bins)
    predicted = np.bincount(bins, weights=confidence) / n_rows
    observed = np.bincount(bins, weights=is_hit) / n_rows
    return CalibrationCurve(
        predicted=tuple(predicted.tolist()), observed=tuple(observed.tolist()), n_rows=tuple(n_rows.tolist())
    )
