"""Make probabilities mean what they say: temperature, sigmoid and isotonic calibration."""

from __future__ import annotations

from mltrain.calibration.calibrator import (
    METHODS,
    Calibrator,
    Curve,
    calibrate,
    calibrator_from_dict,
    calibrator_to_dict,
)
from mltrain.calibration.choosing import choose_calibrator
from mltrain.calibration.fitting import fit_calibrator
from mltrain.calibration.sharpness import MOST_SHARPNESS, fit_sharpness, sharpen, sharpen_apart

__all__ = [
    "METHODS",
    "MOST_SHARPNESS",
    "Calibrator",
    "Curve",
    "calibrate",
    "calibrator_from_dict",
    "calibrator_to_dict",
    "choose_calibrator",
    "fit_calibrator",
    "fit_sharpness",
    "sharpen",
    "sharpen_apart",
]
