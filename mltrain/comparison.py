"""Challenger against champion on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from mltrain.evaluation.bootstrap import percentile_ends, resampled_scores
from mltrain.metrics import Codes, Floats, Metric, score

_NEUTRAL = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two models' scores and the confidence interval of their difference.

    Attributes
    ----------
    difference, low, high : float
        Above 0 the challenger is better, whichever way the metric points.
    n_bootstrap : int
        Resamples behind the interval.
    n_rows : int
        Rows that both were scored on; 0: a record of an older version does not say.
    """

    metric: str
    challenger: float
    champion: float
    difference: float
    low: float
    high: float
    n_bootstrap: int
    n_rows: int = 0


def compare(  # noqa: PLR0913  (both sides, and one bootstrap)
    y: Codes,
    challenger: Floats,
    champion: Floats,
    *,
    metric: Metric,
    thresholds: tuple[float | None, float | None] = (None, None),
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two models by a paired bootstrap: both are scored on the same drawn rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    challenger, champion : ndarray of shape (n_samples, n_classes)
    thresholds : tuple
        Of the challenger and of the champion; None means 0.5.

    References
    ----------
    Efron, B., Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 13. Chapman & Hall.
    """
    both = ((challenger, thresholds[0]), (champion, thresholds[1]))
    values = [score(metric, y, proba, threshold=_NEUTRAL if t is None else t) for proba, t in both]
    resampled = [
        resampled_scores([metric], y, proba=proba, threshold=t, n_bootstrap=n_bootstrap, seed=seed)[metric.name]
        for proba, t in both
    ]
    sign = 1.0 if metric.greater_is_better else -1.0
    low, high = percentile_ends(sign * (resampled[0] - resampled[1]), confidence=confidence)
    return Comparison(
        metric=metric.name,
        challenger=values[0],
        champion=values[1],
        difference=sign * (values[0] - values[1]),
        low=low,
        high=high,
        n_bootstrap=len(resampled[0]),
        n_rows=len(y),
    )
