"""Metrics: a name, a function, what it needs and which way is better. Direction lives here only.

y is an int64 array of class codes (1 is the positive class of two); proba is a float64 array of shape
(n_samples, n_classes) in the order of the codes.
"""

from __future__ import annotations

import math

import numpy as np

from mltrain import plugins
from mltrain.config.names import METRICS, metric_name
from mltrain.errors import UsageError
from mltrain.metrics.contract import Codes, Floats, Metric, MetricFactory
from mltrain.metrics.decisions import (
    ACCURACY,
    BALANCED_ACCURACY,
    F1,
    MCC,
    PRECISION,
    RECALL,
    confusion_matrix,
    fbeta_score,
)
from mltrain.metrics.probabilities import BRIER, CALIBRATION_ERROR, LOG_LOSS
from mltrain.metrics.ranking import AVERAGE_PRECISION, ROC_AUC
from mltrain.metrics.scorers import scorer_metric, scorer_names
from mltrain.metrics.sweeping import Sweep, sweep

__all__ = [
    "ACCURACY",
    "AVERAGE_PRECISION",
    "BALANCED_ACCURACY",
    "BRIER",
    "BUILT_IN",
    "CALIBRATION_ERROR",
    "F1",
    "LOG_LOSS",
    "MCC",
    "PRECISION",
    "RECALL",
    "ROC_AUC",
    "Codes",
    "Floats",
    "Metric",
    "MetricFactory",
    "Sweep",
    "confusion_matrix",
    "default_metric",
    "fbeta_score",
    "is_better",
    "resolve",
    "score",
    "score_or_nan",
    "sweep",
]

BUILT_IN: dict[str, Metric | MetricFactory] = {
    "accuracy": ACCURACY,
    "balanced_accuracy": BALANCED_ACCURACY,
    "precision": PRECISION,
    "recall": RECALL,
    "f1": F1,
    "fbeta_score": fbeta_score,
    "roc_auc": ROC_AUC,
    "average_precision": AVERAGE_PRECISION,
    "log_loss": LOG_LOSS,
    "brier": BRIER,
    "mcc": MCC,
    "calibration_error": CALIBRATION_ERROR,
}


def default_metric(n_classes: int) -> str:
    """Return the metric that models are compared by when nothing is said."""
    return "roc_auc" if n_classes == 2 else "log_loss"


def resolve(name: str, *, beta: float = 1.0, n_classes: int) -> Metric:
    """Find a metric by name: ours, a plug-in's or a scikit-learn scorer.

    Parameters
    ----------
    beta : float
        For F-beta scores.

    Raises
    ------
    mltrain.errors.UsageError
        Nobody knows the name, or the metric cannot serve this number of classes.
    """
    name = str(metric_name(name))
    found = _find(name)
    if found is None:
        return scorer_metric(name, n_classes=n_classes)
    metric = found if isinstance(found, Metric) else found(n_classes=n_classes, beta=beta)
    if n_classes > 2 and not metric.multiclass:
        raise UsageError(f"metric '{name}' serves two classes, the target has {n_classes}", hint="choose another")
    return metric


def _find(name: str) -> Metric | MetricFactory | None:
    """Return what is registered, None for a scikit-learn scorer."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    registered = plugins.names("metrics")
    if name in registered:
        found: Metric | MetricFactory = plugins.load("metrics", name)
        return found
    if name in scorer_names():
        return None
    known = sorted({*BUILT_IN, *registered, *scorer_names()})
    near = plugins.nearest(name, known, METRICS)
    hint = f"did you mean '{near}'?" if near else f"known metrics: {', '.join(BUILT_IN)}"
    raise UsageError(f"no metric is called '{name}'", hint=hint)


def is_better(metric: Metric, a: float, b: float) -> bool:
    """Say whether score ``a`` is better than score ``b``; any number is better than NaN, NaN than nothing.

    Examples
    --------
    >>> is_better(LOG_LOSS, 0.2, 0.3)
    True
    """
    if math.isnan(a) or math.isnan(b):
        return math.isnan(b) and not math.isnan(a)
    return a > b if metric.greater_is_better else a < b


def score(metric: Metric, y: Codes, proba: Floats, *, threshold: float | None = None) -> float:
    """Score probabilities with any metric.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float, optional
        Where a metric of labels decides for the positive class of two; None scores at the best threshold on
        these very predictions. More classes decide for the most probable one.
    """
    if metric.needs == "proba":
        return metric.function(y, proba)
    if proba.shape[1] > 2:
        return metric.function(y, proba.argmax(axis=1))
    if threshold is not None:
        return metric.function(y, (proba[:, 1] >= threshold).astype(np.int64))
    scores = sweep(metric, y, positive_proba=proba[:, 1]).scores
    return float(np.nanmax(scores) if metric.greater_is_better else np.nanmin(scores))


def score_or_nan(metric: Metric, y: Codes, proba: Floats, *, threshold: float | None = None) -> float:
    """Return the score, or NaN where the metric is undefined, such as of one class or without rows of another."""
    try:
        return float(score(metric, y, proba, threshold=threshold))
    except ValueError:
        return math.nan
