"""One number that makes a model as sure of itself as it may be, before its predictions meet those of others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration.calibrator import Calibrator, Floats, calibrate
from mltrain.calibration.fitting import fit_calibrator

# One number needs no more; a vote of fifteen members would wait for it otherwise.
_MOST_CELLS = 40_000
# A model without a mistake on some hundred rows would be made infinitely sure of the next ones.
MOST_SHARPNESS = 8.0


def fit_sharpness(proba: Floats, y: NDArray[np.int64]) -> float:
    """Return what log probabilities are to be multiplied by: above 1 for a model that is less sure than it may be.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Predictions for rows that the model has not learnt from; some of them tell when there are many.
    y : ndarray of shape (n_samples,), class codes

    Returns
    -------
    float
        Above 0, at most 8; 1 where fewer than two classes are there.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks. ICML. arXiv:1706.04599: ``1 / T``, T minimising
    log loss.
    """
    if len(np.unique(y)) < 2:
        return 1.0
    step = max(1, len(y) * proba.shape[1] // _MOST_CELLS)
    scale = fit_calibrator("temperature", proba[::step].astype(np.float64), y[::step]).scale[0]
    return min(scale, MOST_SHARPNESS)


def sharpen(proba: Floats, sharpness: float) -> Floats:
    """Return probabilities of shape (n_samples, n_classes) whose logarithms were multiplied by ``sharpness``."""
    if sharpness == 1.0:
        return proba
    return calibrate(Calibrator(method="temperature", n_classes=proba.shape[1], scale=(sharpness,)), proba)


def sharpen_apart(proba: Floats, y: NDArray[np.int64], *, parts: NDArray[np.intp]) -> Floats:
    """Sharpen each part of the rows by what the rows of the others taught.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Predictions for rows that the model has not learnt from.
    parts : ndarray of shape (n_samples,)
        Number of the part of each row; two parts or more.
    """
    sharpened = np.empty(proba.shape)
    for part in np.unique(parts):
        inside = parts == part
        sharpened[inside] = sharpen(proba[inside].astype(np.float64), fit_sharpness(proba[~inside], y[~inside]))
    return sharpened
