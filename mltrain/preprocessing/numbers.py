"""How numbers, booleans and parts of dates become features, decided from training values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mltrain.models import ViewKind
from mltrain.preprocessing.encoding import encode_number
from mltrain.preprocessing.features import Number, Part

_SKEWED = 0.99
_BOUND = 20.0


def fit_number(kind: ViewKind, values: NDArray[np.float64], *, source: str, part: Part, is_boolean: bool) -> Number:
    """Return the feature for a numeric column; its name is still the plain one.

    Notes
    -----
    Forests get a missing value below everything seen, so that one cut isolates it; where training has none missing,
    the median. The linear model gets the median and standardised values, the logarithm of skewed ones.
    """
    name = source if part == "value" else f"{source}_{part}"
    present = values[~np.isnan(values)]
    number = Number(name=name, source=source, part=part)
    if kind == "native":
        return number
    if present.size == 0:
        return Number(name=name, source=source, part=part, fill=0.0)
    if kind == "ordinal":
        has_missing = present.size < values.size
        fill = _below(present) if has_missing else float(np.median(present))
        return Number(name=name, source=source, part=part, fill=fill)
    fill = float(np.median(present))
    if is_boolean:
        return Number(name=name, source=source, part=part, fill=float(round(fill)))
    return _standardise(Number(name=name, source=source, part=part, fill=fill), values, present)


def variance(values: NDArray[np.float64]) -> float:
    """Return the variance of the values scaled to [0, 1], or of being missing where that is larger."""
    missing = np.isnan(values)
    share = float(missing.mean()) if values.size else 0.0
    present = values[~missing] if share > 0 else values
    if present.size == 0:
        return 0.0
    low, high = float(present.min()), float(present.max())
    spread = float(np.var((present - low) / (high - low))) if high > low else 0.0
    return max(spread, share * (1 - share))


def _below(present: NDArray[np.float64]) -> float:
    low, high = float(present.min()), float(present.max())
    # The second term keeps the two apart in float32, where large numbers are far from each other and have an end.
    return max(low - max((high - low) / 8, 1.0, abs(low) * 1e-5), float(np.finfo(np.float32).min))


def _standardise(number: Number, values: NDArray[np.float64], present: NDArray[np.float64]) -> Number:
    unit = _log_unit(present)
    logged = Number(name=number.name, source=number.source, part=number.part, fill=number.fill, log_unit=unit)
    transformed = encode_number(logged, values)
    center, scale = float(transformed.mean()), float(transformed.std())
    # A constant keeps a tiny deviation from rounding, which must not be blown up.
    is_constant = scale <= 1e-9 * max(abs(center), 1e-300)
    return Number(
        name=number.name,
        source=number.source,
        part=number.part,
        fill=number.fill,
        log_unit=unit,
        center=center,
        scale=1.0 if is_constant else scale,
        bound=_BOUND,
    )


def _log_unit(present: NDArray[np.float64]) -> float | None:
    """Return the unit of the logarithm that makes skewed values less so; None when it would not help."""
    before = abs(_skewness(present))
    if before <= _SKEWED:
        return None
    nonzero = np.abs(present[present != 0])
    unit = float(np.median(nonzero))
    after = abs(_skewness(np.sign(present) * np.log1p(np.abs(present) / unit)))
    return unit if after < before else None


def _skewness(values: NDArray[np.float64]) -> float:
    deviation = values - values.mean()
    largest = float(np.abs(deviation).max())
    if largest == 0:
        return 0.0
    deviation = deviation / largest
    return float(np.mean(deviation**3) / np.mean(deviation**2) ** 1.5)
