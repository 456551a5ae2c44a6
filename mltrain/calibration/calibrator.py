"""A fitted calibrator: a few numbers, how they change probabilities, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Method: TypeAlias = Literal["temperature", "sigmoid", "isotonic"]
METHODS: tuple[Method, ...] = get_args(Method)
EPSILON = 1e-15


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A rising line through knots, flat outside of them; ``x`` ascends strictly, ``y`` ascends."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrator:
    """What was learnt from held-out predictions.

    Attributes
    ----------
    scale, offset : tuple of float
        Temperature: one scale (1 / T) of all log probabilities. Sigmoid: scale and offset of the log-odds for
        two classes, of each class's log probability for more. Empty for isotonic.
    curves : tuple of Curve
        Isotonic: one for the positive class of two, one for each class of more. Empty for the others.
    """

    method: Method
    n_classes: int
    scale: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()
    curves: tuple[Curve, ...] = ()


def calibrate(calibrator: Calibrator, proba: Floats) -> Floats:
    """Apply a calibrator.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Inside (0, 1), rows sum to 1. Temperature and sigmoid keep the order of rows for two classes, isotonic
        keeps it up to ties.
    """
    if calibrator.n_classes == 2:
        return _two_columns(_positive(calibrator, proba))
    if calibrator.method == "isotonic":
        columns = [_along(curve, proba[:, code]) for code, curve in enumerate(calibrator.curves)]
        return _normalised(np.column_stack(columns))
    scores = np.array(calibrator.scale) * log_proba(proba) + (np.array(calibrator.offset) if calibrator.offset else 0.0)
    return _normalised(np.exp(scores - scores.max(axis=1, keepdims=True)))


def log_proba(proba: Floats) -> Floats:
    """Return logarithms, away from minus infinity."""
    logs: Floats = np.log(np.clip(proba, EPSILON, 1.0))
    return logs


def log_odds(proba: Floats) -> Floats:
    """Return the log-odds of the positive class, away from infinity.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, 2)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    positive = np.clip(proba[:, 1], EPSILON, 1 - EPSILON)
    odds: Floats = np.log(positive) - np.log1p(-positive)
    return odds


def _positive(calibrator: Calibrator, proba: Floats) -> Floats:
    """Return the calibrated probability of class 1 of two."""
    if calibrator.method == "isotonic":
        return _along(calibrator.curves[0], proba[:, 1])
    scores = calibrator.scale[0] * log_odds(proba) + (calibrator.offset[0] if calibrator.offset else 0.0)
    positive: Floats = 1.0 / (1.0 + np.exp(-np.clip(scores, -500, 500)))
    return positive


def _along(curve: Curve, values: Floats) -> Floats:
    """Follow a curve."""
    return np.interp(values, curve.x, curve.y)


def _two_columns(positive: Floats) -> Floats:
    """Return both classes' probabilities."""
    positive = np.clip(positive, EPSILON, 1 - EPSILON)
    return np.column_stack([1 - positive, positive])


def _normalised(values: Floats) -> Floats:
    """Make rows positive and sum to 1."""
    values = np.clip(values / values.sum(axis=1, keepdims=True), EPSILON, 1 - EPSILON)
    proba: Floats = values / values.sum(axis=1, keepdims=True)
    return proba


def calibrator_to_dict(calibrator: Calibrator) -> dict[str, Any]:
    """Return what JSON can hold; Python writes floats so that they read back exactly."""
    return {
        "method": calibrator.method,
        "n_classes": calibrator.n_classes,
        "scale": list(calibrator.scale),
        "offset": list(calibrator.offset),
        "curves": [{"x": list(curve.x), "y": list(curve.y)} for curve in calibrator.curves],
    }


def calibrator_from_dict(entry: Mapping[str, Any]) -> Calibrator:
    """Rebuild a calibrator.

    Raises
    ------
    ValueError
        Something is missing, of another type or does not fit together.
    """
    try:
        calibrator = Calibrator(
            method=entry["method"],
            n_classes=int(entry["n_classes"]),
            scale=_numbers(entry["scale"]),
            offset=_numbers(entry["offset"]),
            curves=tuple(Curve(x=_numbers(one["x"]), y=_numbers(one["y"])) for one in entry["curves"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"calibrator is malformed: {error!r}") from error
    if not _fits_together(calibrator):
        raise ValueError(f"calibrator is malformed: its numbers do not suit method {calibrator.method!r}")
    return calibrator


def _numbers(values: Any) -> tuple[float, ...]:
    """Return finite floats."""
    numbers = tuple(float(value) for value in values)
    if not np.isfinite(numbers).all():
        raise ValueError("calibrator is malformed: a number is not finite")
    return numbers


def _fits_together(calibrator: Calibrator) -> bool:
    """Say whether the counts of numbers suit the method and the number of classes."""
    n_columns = 1 if calibrator.n_classes == 2 else calibrator.n_classes
    expected = {"temperature": (1, 0, 0), "sigmoid": (n_columns, n_columns, 0), "isotonic": (0, 0, n_columns)}
    counts = (len(calibrator.scale), len(calibrator.offset), len(calibrator.curves))
    curves_ascend = all(
        len(curve.x) == len(curve.y) > 0 and np.all(np.diff(curve.x) > 0) and np.all(np.diff(curve.y) >= 0)
        for curve in calibrator.curves
    )
    return calibrator.n_classes >= 2 and counts == expected.get(calibrator.method) and curves_ascend
