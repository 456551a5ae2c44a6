"""A metric of decisions at every threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mltrain.metrics.contract import Codes, Floats, Metric

_GRID_SIZE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A metric by threshold; a row is positive when its probability is at least the threshold.

    Attributes
    ----------
    thresholds : ndarray of shape (n_thresholds,), ascending
        From one that decides for every row to one that decides for none.
    scores : ndarray of shape (n_thresholds,)
    """

    thresholds: Floats
    scores: Floats


def sweep(metric: Metric, y: Codes, *, positive_proba: Floats) -> Sweep:
    """Score every threshold that makes a difference.

    Exact, half-way between neighbouring probabilities, for metrics of the confusion matrix; else 200
    quantiles.

    Parameters
    ----------
    metric : Metric
        One that needs labels.
    y : ndarray of shape (n_samples,), codes 0 and 1
    positive_proba : ndarray of shape (n_samples,)
    """
    if metric.from_confusion is None:
        return _sweep_grid(metric, y, positive_proba)
    order = np.argsort(positive_proba)
    ordered, n_positives = positive_proba[order], np.concatenate([[0], np.cumsum(y[order] == 1)])
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
    missed = n_positives[starts]
    confusion = np.empty((2, 2, len(starts)))
    confusion[0, 0], confusion[1, 0] = starts - missed, missed
    confusion[0, 1] = (len(y) - n_positives[-1]) - confusion[0, 0]
    confusion[1, 1] = n_positives[-1] - missed
    return Sweep(thresholds=_between(ordered[starts[:-1]]), scores=metric.from_confusion(confusion))


def _between(distinct: Floats) -> Floats:
    """Return thresholds below, between and above distinct ascending probabilities."""
    lower, upper = np.concatenate([[0.0], distinct]), np.concatenate([distinct, [1.0]])
    middle = lower + (upper - lower) / 2
    # Neighbouring floats have no middle, and nothing lies below 0; the upper one is as good: it is not left
    # out.
    thresholds = np.where(middle > lower, middle, upper)
    thresholds[0] = min(thresholds[0], distinct[0])
    if distinct[-1] >= 1.0:
        thresholds[-1] = np.nextafter(distinct[-1], np.inf)
    return thresholds


def _sweep_grid(metric: Metric, y: Codes, positive_proba: Floats) -> Sweep:
    """Score a grid of quantiles with a metric that is only known as a function of labels."""
    quantiles = np.quantile(positive_proba, np.linspace(0, 1, _GRID_SIZE), method="inverted_cdf")
    thresholds = _between(np.unique(quantiles))
    scores = [metric.function(y, (positive_proba >= value).astype(np.int64)) for value in thresholds]
    return Sweep(thresholds=thresholds, scores=np.array(scores))
