"""Scores of bootstrap resamples: rows drawn with replacement, all classes together.

Resamples are row weights, made in blocks; metrics that know weights sort their rows once. A resample that
lost a class leaves the metrics undefined that need it; such values are left out of the interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mltrain.metrics import Codes, Floats, Metric
from mltrain.threshold import decide

_BLOCK_CELLS = 1 << 18  # a block of weights stays in the cache
_FAST_WORK = 50_000_000  # rows x resamples for metrics that know weights: some 6 s for twelve metrics
_SLOW_WORK = 3_000_000  # the same for a metric that is only a function
_MIN_RESAMPLES = 50
_ROWS_OF_AN_ERROR, _RESAMPLES_OF_AN_ERROR = 2_000, 100


def n_affordable(n_bootstrap: int, n_samples: int, *, is_fast: bool = True) -> int:
    """Return how many resamples the work cap leaves of those asked for."""
    work = _FAST_WORK if is_fast else _SLOW_WORK
    return min(n_bootstrap, max(_MIN_RESAMPLES, work // max(n_samples, 1)))


def is_fast(metric: Metric) -> bool:
    """Say whether a metric can score many weightings at once."""
    return metric.weighted is not None or metric.from_confusion is not None


def resampled_scores(
    metrics: Sequence[Metric],
    y: Codes,
    *,
    proba: Floats,
    threshold: float | None,
    n_bootstrap: int,
    seed: int,
) -> dict[str, Floats]:
    """Score resamples of the rows; the same seed and number of rows draw the same rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float, optional
        Where the positive class of two is decided for; None means 0.5.
    n_bootstrap : int
        Resamples at most; fewer above the work cap.

    Returns
    -------
    dict of str to ndarray of shape (n_resamples,)
        By metric name; slow metrics have fewer. NaN where a metric is not defined.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7(1).
    doi:10.1214/aos/1176344552
    """
    if len(y) == 0:
        return {metric.name: np.full(1, np.nan) for metric in metrics}
    sample = _Sample(y, proba, threshold)
    fast = [metric for metric in metrics if is_fast(metric)]
    slow = [metric for metric in metrics if not is_fast(metric)]
    scores = _fast_scores(fast, sample, n_bootstrap=n_affordable(n_bootstrap, len(y)), seed=seed)
    n_slow = n_affordable(n_bootstrap, len(y), is_fast=False)
    return scores | _slow_scores(slow, sample, n_bootstrap=n_slow, seed=seed)


def standard_error(metric: Metric, y: Codes, *, proba: Floats, threshold: float | None, seed: int) -> float:
    """Return how far a score would move on other rows of the same kind.

    The standard deviation over resamples; of many rows those of a sample, for it falls with the root of their number.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float, optional
        Where the positive class of two is decided for; None means 0.5.

    Returns
    -------
    float
        In units of the metric; NaN where it is defined on no two resamples.
    """
    n_rows = min(len(y), _ROWS_OF_AN_ERROR)
    rows = np.random.default_rng(seed).permutation(len(y))[:n_rows]
    n_bootstrap = _RESAMPLES_OF_AN_ERROR
    scores = resampled_scores(
        [metric], y[rows], proba=proba[rows], threshold=threshold, n_bootstrap=n_bootstrap, seed=seed
    )[metric.name]
    defined = scores[np.isfinite(scores)]
    return float(np.std(defined, ddof=1) * np.sqrt(n_rows / len(y))) if len(defined) > 1 else float("nan")


class _Sample:
    """Rows with their predictions and decisions."""

    def __init__(self, y: Codes, proba: Floats, threshold: float | None) -> None:
        self.y = y
        self.proba = proba
        self.decided = decide(proba, threshold)
        self.n_classes = proba.shape[1]


def _weights(n_samples: int, *, n_bootstrap: int, seed: int) -> Iterator[Floats]:
    """Yield blocks of weights, shape (n_resamples, n_samples): how often each row was drawn."""
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // n_samples)
    for start in range(0, n_bootstrap, block):
        size = min(block, n_bootstrap - start)
        drawn = random.integers(0, n_samples, size=(size, n_samples))
        drawn += np.arange(size)[:, None] * n_samples
        counts = np.bincount(drawn.ravel(), minlength=size * n_samples)
        yield counts.reshape(size, n_samples).astype(np.float64)


def _fast_scores(metrics: Sequence[Metric], sample: _Sample, *, n_bootstrap: int, seed: int) -> dict[str, Floats]:
    """Score block by block, all metrics on the same weights."""
    if not metrics:
        return {}
    by_weights = {one.name: one.weighted(sample.y, sample.proba) for one in metrics if one.weighted}
    by_confusion = {one.name: one.from_confusion for one in metrics if one.from_confusion}
    blocks: dict[str, list[Floats]] = {one.name: [] for one in metrics}
    for weights in _weights(len(sample.y), n_bootstrap=n_bootstrap, seed=seed):
        for name, score in by_weights.items():
            blocks[name].append(score(weights))
        if by_confusion:
            confusion = _confusions(sample, weights)
            for name, score in by_confusion.items():
                blocks[name].append(score(confusion))
    return {name: np.concatenate(block) for name, block in blocks.items()}


def _confusions(sample: _Sample, weights: Floats) -> Floats:
    """Return the confusion matrices of weightings, shape (n_classes, n_classes, n_resamples)."""
    n_cells = sample.n_classes**2
    cells = sample.y * sample.n_classes + sample.decided
    all_cells = (np.arange(len(weights))[:, None] * n_cells + cells).ravel()
    sums = np.bincount(all_cells, weights=weights.ravel(), minlength=len(weights) * n_cells)
    by_cell: Floats = sums.astype(np.float64).reshape(len(weights), n_cells).T
    return by_cell.reshape(sample.n_classes, sample.n_classes, -1)


def _slow_scores(metrics: Sequence[Metric], sample: _Sample, *, n_bootstrap: int, seed: int) -> dict[str, Floats]:
    """Score one resample after the other with metrics that are only functions."""
    if not metrics:
        return {}
    scores: dict[str, list[float]] = {metric.name: [] for metric in metrics}
    for weights in _weights(len(sample.y), n_bootstrap=n_bootstrap, seed=seed):
        for row in weights:
            drawn = np.repeat(np.arange(len(sample.y)), row.astype(np.intp))
            for metric in metrics:
                scores[metric.name].append(_score(metric, sample, drawn))
    return {name: np.array(values) for name, values in scores.items()}


def _score(metric: Metric, sample: _Sample, drawn: Codes) -> float:
    """Score the drawn rows, NaN when they lost a class that the metric needs."""
    predicted = sample.decided if metric.needs == "labels" else sample.proba
    if len(np.unique(sample.y[drawn])) < 2:
        return float("nan")
    return metric.function(sample.y[drawn], predicted[drawn])


def percentile_ends(scores: Floats, *, confidence: float) -> tuple[float, float]:
    """Return the ends of the percentile interval, NaN when no score is defined.

    Parameters
    ----------
    scores : ndarray of shape (n_resamples,)
    confidence : float
        Such as 0.95.
    """
    defined = scores[~np.isnan(scores)]
    if len(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
