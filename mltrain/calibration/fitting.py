"""Fit a calibrator to held-out predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration.calibrator import METHODS, Calibrator, Curve, Floats, Method, log_odds, log_proba
from mltrain.errors import UsageError

_MIN_SCALE = 1e-3  # stays rising, so that the order of rows is kept even when a model is worse than chance
_RIDGE = 1e-6  # keeps the scales of classes that are nearly absent finite
_CLOSE = {"gtol": 1e-7, "ftol": 1e-11, "maxiter": 100}
# For two numbers of each class: within 0.0003 of the least log loss for predictions of 26 classes; more costs seconds.
_SOON = {"gtol": 1e-5, "ftol": 1e-7, "maxiter": 50}


def fit_calibrator(method: Method, proba: Floats, y: NDArray[np.int64]) -> Calibrator:
    """Fit one method.

    Parameters
    ----------
    method : {"temperature", "sigmoid", "isotonic"}
        Sigmoid is Platt's on the log-odds for two classes, vector scaling for more; isotonic with more than
        two classes is fitted one against the rest and normalised.
    proba : ndarray of shape (n_samples, n_classes)
        Predictions for rows that the model has not learnt from.
    y : ndarray of shape (n_samples,), class codes

    Raises
    ------
    mltrain.errors.UsageError
        The method does not exist.

    References
    ----------
    Platt, J. (1999). Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers.
    Zadrozny, B., Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability
    estimates. KDD. doi:10.1145/775047.775151 Guo, C. et al. (2017). On calibration of modern neural networks.
    ICML. arXiv:1706.04599.
    """
    fitters = {"temperature": _fit_temperature, "sigmoid": _fit_sigmoid, "isotonic": _fit_isotonic}
    if method not in fitters:
        raise UsageError(f"no calibration method is called '{method}'", hint=f"known: {', '.join(METHODS)}")
    return fitters[method](proba, y)


def _fit_temperature(proba: Floats, y: NDArray[np.int64]) -> Calibrator:
    """Scale all log probabilities by one number."""
    n_classes = proba.shape[1]
    if n_classes == 2:
        odds, targets = log_odds(proba), _platt_targets(y == 1)
        found = _minimise(lambda free: _logistic(odds, targets, scale=free[0], offset=0.0)[:2], np.ones(1))
        return Calibrator(method="temperature", n_classes=2, scale=(found[0],))
    logs = log_proba(proba)

    def loss(free: Floats) -> tuple[float, Floats]:
        value, gradient = _softmax_loss(logs * free[0], y)
        return value, np.array([(gradient * logs).sum()])

    return Calibrator(method="temperature", n_classes=n_classes, scale=(_minimise(loss, np.ones(1))[0],))


def _fit_sigmoid(proba: Floats, y: NDArray[np.int64]) -> Calibrator:
    """Scale and shift the log-odds, or each class's log probability."""
    n_classes = proba.shape[1]
    if n_classes == 2:
        odds, targets = log_odds(proba), _platt_targets(y == 1)
        found = _minimise(lambda free: _logistic(odds, targets, scale=free[0], offset=free[1]), np.array([1.0, 0.0]))
        return Calibrator(method="sigmoid", n_classes=2, scale=(found[0],), offset=(found[1],))
    scale, offset = _vector_scaling(log_proba(proba), y)
    return Calibrator(method="sigmoid", n_classes=n_classes, scale=tuple(scale.tolist()), offset=tuple(offset.tolist()))


def _vector_scaling(logs: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return a scale and an offset for each class's log probabilities.

    They are looked for in units of what moves the loss alike at the start, offsets where scales do not move them: rare
    classes have slopes a thousand times flatter than others, and 100 steps did not get there otherwise.
    """
    n, n_classes = logs.shape
    proba = np.exp(logs)
    curvature = proba * (1 - proba)
    middle = (curvature * logs).sum(axis=0) / np.maximum(curvature.sum(axis=0), _RIDGE)
    scale_unit = np.sqrt((curvature * (logs - middle) ** 2).sum(axis=0) / n + 2 * _RIDGE)
    offset_unit = np.sqrt(curvature.sum(axis=0) / n + 2 * _RIDGE)

    def in_units(free: Floats) -> tuple[Floats, Floats]:
        scale = free[:n_classes] / scale_unit
        return scale, free[n_classes:] / offset_unit - scale * middle

    def loss(free: Floats) -> tuple[float, Floats]:
        scale, offset = in_units(free)
        scores = logs * scale
        scores += offset
        value, gradient = _softmax_loss(scores, y)
        by_scale = np.einsum("ij,ij->j", gradient, logs) + 2 * _RIDGE * (scale - 1)
        by_offset = gradient.sum(axis=0) + 2 * _RIDGE * offset
        value += _RIDGE * float((scale - 1) @ (scale - 1) + offset @ offset)
        return value, np.concatenate([(by_scale - by_offset * middle) / scale_unit, by_offset / offset_unit])

    start = np.concatenate([scale_unit, middle * offset_unit])
    return in_units(np.array(_minimise(loss, start, least=_MIN_SCALE * scale_unit, options=_SOON)))


def _platt_targets(is_positive: NDArray[np.bool_]) -> Floats:
    """Return Platt's targets: 0 and 1 pulled in by one imagined row of each class."""
    n_positives = int(is_positive.sum())
    n_negatives = len(is_positive) - n_positives
    return np.where(is_positive, (n_positives + 1) / (n_positives + 2), 1 / (n_negatives + 2))


def _logistic(odds: Floats, targets: Floats, *, scale: float, offset: float) -> tuple[float, Floats]:
    """Return the mean log loss of scaled log-odds and its slope in scale and offset."""
    scores = scale * odds + offset
    decay = np.exp(-np.abs(scores))
    value = np.mean(np.maximum(scores, 0) - targets * scores + np.log1p(decay))
    residual = np.where(scores >= 0, 1.0, decay) / (1.0 + decay) - targets
    return float(value), np.array([np.mean(residual * odds), np.mean(residual)])


def _softmax_loss(scores: Floats, y: NDArray[np.int64]) -> tuple[float, Floats]:
    """Return the mean log loss of the softmax of scores and its slope in each score, which takes their place."""
    n, n_classes = scores.shape
    own = np.arange(n) * n_classes + y
    scores -= scores.max(axis=1, keepdims=True)
    of_own = scores.ravel()[own].sum()
    np.exp(scores, out=scores)
    totals = scores.sum(axis=1)
    value = (np.log(totals).sum() - of_own) / n
    scores /= (n * totals)[:, None]
    scores.ravel()[own] -= 1 / n
    return float(value), scores


def _minimise(
    loss: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    *,
    least: Sequence[float] | Floats = (_MIN_SCALE,),
    options: Mapping[str, float] = _CLOSE,
) -> tuple[float, ...]:
    """Minimise a smooth loss whose first parameters are scales, which have a least value."""
    from scipy import optimize  # noqa: PLC0415  (0.3 s, and only calibration needs it)

    def sized(free: Floats) -> tuple[float, Floats]:
        value, gradient = loss(free)
        return value, gradient[: len(free)]

    bounds = [(scale, None) for scale in least] + [(None, None)] * (len(start) - len(least))
    minimise: Any = optimize.minimize  # its overloads do not know a loss that returns its slope
    found = minimise(sized, start, jac=True, method="L-BFGS-B", bounds=bounds, options=dict(options))
    return tuple(float(value) for value in found.x)


def _fit_isotonic(proba: Floats, y: NDArray[np.int64]) -> Calibrator:
    """Fit one rising curve for the positive class, or one for each class."""
    n_classes = proba.shape[1]
    codes = (1,) if n_classes == 2 else range(n_classes)
    curves = tuple(_rising_curve(proba[:, code], y == code) for code in codes)
    return Calibrator(method="isotonic", n_classes=n_classes, curves=curves)


def _rising_curve(values: Floats, is_hit: NDArray[np.bool_]) -> Curve:
    """Pool adjacent violators; only the ends of flat parts are kept."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415

    x, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    shares = np.bincount(inverse, weights=is_hit) / counts
    # A share of 0 or 1 in a few rows is no certainty: one surprise would cost an endless log loss.
    margin = 1.0 / (len(values) + 2)
    heights = np.clip(isotonic_regression(shares, weights=counts).x, margin, 1 - margin)
    changes = np.flatnonzero(np.diff(heights) > 0)
    keep = np.unique(np.concatenate([[0], changes, changes + 1, [len(x) - 1]]))
    return Curve(x=tuple(x[keep].tolist()), y=tuple(heights[keep].tolist()))
