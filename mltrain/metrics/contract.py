"""What a metric is. It knows no names, no registry and no data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Weighted: TypeAlias = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric: what it needs, which way is better, how it is computed.

    Attributes
    ----------
    needs : {"proba", "labels"}
        ``proba``: scored on probabilities. ``labels``: scored on decisions, for two classes those of a
        threshold on ``proba[:, 1]``, for more the most probable class.
    function : callable
        ``function(y, proba) -> float`` or ``function(y, decided) -> float``, with class codes and ``proba``
        of shape (n_samples, n_classes). NaN where the metric is not defined, such as a ROC AUC of one class.
    beta : float, optional
        Beta of an F-beta score, for display.
    from_confusion : callable, optional
        For metrics of labels: takes confusion matrices of shape (n_classes, n_classes, ...), true classes
        first, and returns values of shape (...). With it thresholds are exact and intervals fast.
    weighted : callable, optional
        For metrics of probabilities: ``weighted(y, proba)`` returns a function of row weights of shape
        (n_resamples, n_samples) that returns values of shape (n_resamples,). With it intervals are fast.
    multiclass : bool
        Whether it serves more than two classes.
    is_proper : bool
        Whether it is a proper scoring rule: probabilities count as they are, not only by their order, so that
        calibration pays.
    """

    name: str
    needs: Literal["proba", "labels"]
    greater_is_better: bool
    function: Callable[[Codes, NDArray[Any]], float]
    beta: float | None = None
    from_confusion: Callable[[Floats], Floats] | None = None
    weighted: Callable[[Codes, Floats], Weighted] | None = None
    multiclass: bool = True
    is_proper: bool = False


MetricFactory: TypeAlias = Callable[..., Metric]
"""Called as ``factory(n_classes=..., beta=...)``; may be registered in place of a `Metric`."""
