"""The contract suite of a metric: what every registered one must do.

Plug-in authors call `check_metric` from a test of their own; it raises `AssertionError` with what is wrong.
"""

from __future__ import annotations

import numpy as np

from mltrain.metrics import Codes, Floats, Metric, is_better, score, sweep
from mltrain.threshold import decide

_N_SAMPLES = 240
_TOLERANCE = 1e-9  # sums in another order, nothing more


def check_metric(metric: Metric, *, n_classes: int) -> None:
    """Check one metric on generated predictions.

    Parameters
    ----------
    n_classes : int
        The number of classes that it was resolved for.

    Raises
    ------
    AssertionError
        A rule of the contract is broken; the message names it.
    """
    y, proba = _predictions(n_classes, informative=True)
    _check_values(metric, y, proba)
    _check_direction(metric, y, n_classes)
    _check_order_of_rows(metric, y, proba)
    _check_inputs_stay(metric, y, proba)
    _check_fast_paths(metric, y, proba)


def _predictions(n_classes: int, *, informative: bool) -> tuple[Codes, Floats]:
    """Return class codes and probabilities, some of them tied."""
    random = np.random.default_rng(7)
    y = np.arange(_N_SAMPLES, dtype=np.int64) % n_classes
    odds = random.normal(size=(_N_SAMPLES, n_classes))
    odds[np.arange(_N_SAMPLES), y] += 1.5 if informative else 0.0
    proba = np.exp(np.round(odds, 1))
    return y, proba / proba.sum(axis=1, keepdims=True)


def _score(metric: Metric, y: Codes, proba: Floats) -> float:
    """Score at a fixed threshold, so that nothing is tuned."""
    return score(metric, y, proba, threshold=0.5)


def _check_values(metric: Metric, y: Codes, proba: Floats) -> None:
    """Check that it has a name and returns one finite float."""
    value = _score(metric, y, proba)
    assert metric.name, "a metric needs a name"
    assert metric.needs in ("proba", "labels"), f"{metric.name}: needs is {metric.needs!r}"
    assert isinstance(value, float), f"{metric.name}: returned {type(value).__name__}, not float"
    assert np.isfinite(value), f"{metric.name}: returned {value} on sound predictions"


def _check_direction(metric: Metric, y: Codes, n_classes: int) -> None:
    """Check that nearly perfect predictions beat noise in the direction that the metric claims."""
    good = np.full((len(y), n_classes), 0.01 / (n_classes - 1))
    good[np.arange(len(y)), y] = 0.99
    _, noise = _predictions(n_classes, informative=False)
    good_score, noise_score = _score(metric, y, good), _score(metric, y, noise)
    assert is_better(metric, good_score, noise_score), (
        f"{metric.name}: perfect predictions score {good_score}, noise {noise_score}: wrong direction"
    )


def _check_order_of_rows(metric: Metric, y: Codes, proba: Floats) -> None:
    """Check that shuffling rows changes nothing."""
    order = np.random.default_rng(3).permutation(len(y))
    change = abs(_score(metric, y[order], proba[order]) - _score(metric, y, proba))
    assert change <= _TOLERANCE, f"{metric.name}: the order of rows changes the score by {change}"


def _check_inputs_stay(metric: Metric, y: Codes, proba: Floats) -> None:
    """Check that arguments are not modified."""
    y_before, proba_before = y.copy(), proba.copy()
    _score(metric, y, proba)
    is_same = np.array_equal(y, y_before) and np.array_equal(proba, proba_before)
    assert is_same, f"{metric.name}: modifies its arguments"


def _check_fast_paths(metric: Metric, y: Codes, proba: Floats) -> None:
    """Check that weights and confusion matrices, where known, agree with the plain function."""
    if metric.weighted is not None:
        drawn = np.random.default_rng(5).integers(0, len(y), size=len(y))
        weights = np.bincount(drawn, minlength=len(y)).astype(np.float64)
        values = metric.weighted(y, proba)(np.stack([np.ones(len(y)), weights]))
        assert values.shape == (2,), f"{metric.name}: weighted returned shape {values.shape}, not (2,)"
        gap = abs(values[0] - metric.function(y, proba))
        assert gap <= _TOLERANCE, f"{metric.name}: weighted differs from function by {gap}"
    if metric.from_confusion is not None and proba.shape[1] == 2:
        swept = sweep(metric, y, positive_proba=proba[:, 1])
        middle = len(swept.thresholds) // 2
        plain = metric.function(y, decide(proba, float(swept.thresholds[middle])))
        gap = abs(swept.scores[middle] - plain)
        assert gap <= _TOLERANCE, f"{metric.name}: from_confusion differs from function by {gap}"
