"""scikit-learn's named scorers as metrics, on class codes and probabilities instead of an estimator."""

from __future__ import annotations

import inspect
import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltrain.errors import UsageError
from mltrain.metrics.contract import Codes, Metric

_PROPER = ("neg_log_loss", "neg_brier_score")
# Scorers of regression and of clusterings take class codes without complaint and mean nothing here.
_FOREIGN = ("sklearn.metrics._regression", "sklearn.metrics.cluster")


def scorer_names() -> tuple[str, ...]:
    """Return the names of scikit-learn's scorers of classifications, sorted."""
    from sklearn.metrics import get_scorer, get_scorer_names  # noqa: PLC0415  (1.5 s)

    return tuple(name for name in sorted(get_scorer_names()) if not _is_foreign(get_scorer(name)))


def scorer_metric(name: str, *, n_classes: int) -> Metric:
    """Make a metric of a scikit-learn scorer; more is better, as for every scorer.

    Raises
    ------
    mltrain.errors.UsageError
        The scorer cannot serve this number of classes.
    """
    from sklearn.metrics import get_scorer  # noqa: PLC0415  (1.5 s)

    scorer = get_scorer(name)
    needs_labels = scorer._response_method == "predict"
    metric = Metric(
        name=name,
        needs="labels" if needs_labels else "proba",
        greater_is_better=True,
        function=partial(_score, scorer, n_classes),
        is_proper=name in _PROPER,
    )
    _try_out(metric, n_classes)
    return metric


def _is_foreign(scorer: Any) -> bool:
    """Say whether a scorer is not one of classifications."""
    return str(scorer._score_func.__module__).startswith(_FOREIGN)


def _score(scorer: Any, n_classes: int, y: Codes, predicted: NDArray[Any]) -> float:
    """Call what the scorer wraps: it would ask an estimator for the predictions that we have."""
    function, settings = scorer._score_func, dict(scorer._kwargs)
    accepted = inspect.signature(function).parameters
    if "zero_division" in accepted:
        settings.setdefault("zero_division", 0)
    if predicted.ndim == 2:
        if "labels" in accepted:
            settings["labels"] = np.arange(n_classes)
        predicted = predicted[:, 1] if n_classes == 2 else predicted
    elif "sample_weight" in accepted:
        # One weighted row for each cell of the confusion matrix: a threshold is searched by hundreds of calls.
        counts = np.bincount(y * n_classes + predicted, minlength=n_classes**2)
        cells = np.flatnonzero(counts)
        y, predicted = np.divmod(cells, n_classes)
        settings["sample_weight"] = counts[cells]
    return float(scorer._sign * function(y, predicted, **settings))


def _try_out(metric: Metric, n_classes: int) -> None:
    """Score a few perfect predictions, so that a scorer for other tasks is refused before any work."""
    y = np.tile(np.arange(n_classes), 2)
    proba = np.full((len(y), n_classes), 0.1 / (n_classes - 1))
    proba[np.arange(len(y)), y] = 0.9
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            metric.function(y, y if metric.needs == "labels" else proba)
    except (ValueError, TypeError, UserWarning) as error:
        message = f"metric '{metric.name}' cannot score {n_classes} classes: {str(error).splitlines()[0]}"
        raise UsageError(message, hint=_hint(metric.name)) from error


def _hint(name: str) -> str:
    """Name a variant for several classes."""
    return f"try '{name}_macro' or '{name}_weighted'" if "_" not in name else "choose another metric"
