"""Metrics of the probabilities themselves: log loss, Brier score, calibration error."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics.contract import Codes, Floats, Metric, Weighted

N_BINS = 15
_EPSILON = float(np.finfo(np.float64).eps)


def log_losses(y: Codes, proba: Floats) -> Floats:
    """Return minus the log of the true class's probability, row by row, clipped as scikit-learn does.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    chosen = np.take_along_axis(proba, y[:, None], axis=1)[:, 0]
    losses: Floats = -np.log(np.clip(chosen, _EPSILON, 1 - _EPSILON))
    return losses


def brier_losses(y: Codes, proba: Floats) -> Floats:
    """Return squared errors row by row: of the positive class for two, summed over the classes for more.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples,)

    References
    ----------
    Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review
    78(1). doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    if proba.shape[1] == 2:
        squares: Floats = np.square(proba[:, 1] - (y == 1))
        return squares
    chosen = np.take_along_axis(proba, y[:, None], axis=1)[:, 0]
    losses: Floats = np.square(proba).sum(axis=1) - 2 * chosen + 1
    return losses


def log_loss(y: Codes, proba: Floats) -> float:
    """Compute the mean log loss."""
    return float(log_losses(y, proba).mean())


def brier(y: Codes, proba: Floats) -> float:
    """Compute the mean Brier score: in [0, 1] for two classes, in [0, 2] for more."""
    return float(brier_losses(y, proba).mean())


def calibration_error(y: Codes, proba: Floats) -> float:
    """Compute the expected calibration error over 15 bins of equally many rows.

    Two classes: the gap between the mean positive-class probability and the share of positives in a bin.
    More: the gap between the mean probability of the most probable class and how often it is right. Equal
    scores share a bin.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks. ICML. arXiv:1706.04599.
    Nixon, J. et al. (2019). Measuring calibration in deep learning. CVPR workshops. arXiv:1904.01685
    (equal-mass bins).
    """
    confidence, is_hit = confidences(y, proba)
    gaps = np.bincount(equal_mass_bins(confidence), weights=is_hit - confidence)
    return float(np.abs(gaps).sum() / len(y))


def confidences(y: Codes, proba: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what is checked for calibration: a probability for each row and whether it came true.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    confidence : ndarray of shape (n_samples,)
        The positive class's probability of two, the largest one of more.
    is_hit : ndarray of bool, shape (n_samples,)
    """
    if proba.shape[1] == 2:
        return proba[:, 1], y == 1
    return proba.max(axis=1), proba.argmax(axis=1) == y


def equal_mass_bins(values: Floats, n_bins: int = N_BINS) -> NDArray[np.intp]:
    """Return the bin of each value, by ascending value, with about equally many rows in each.

    Equal values share a bin, so the order of rows changes nothing.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_samples,), from 0 to at most ``n_bins - 1``
    """
    ordered = np.sort(values)
    starts = (np.arange(1, n_bins) * len(ordered)) // n_bins
    return np.searchsorted(np.unique(ordered[starts]), values, side="right")


def _weighted_mean(losses: Callable[[Codes, Floats], Floats], y: Codes, proba: Floats) -> Weighted:
    """Compute each row's loss once; what is returned averages them for many weightings."""
    return partial(_mean, losses(y, proba))


def _mean(losses: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of each weighting."""
    means: Floats = weights @ losses / weights.sum(axis=1)
    return means


def _weighted_calibration_error(y: Codes, proba: Floats) -> Weighted:
    """Bin once: the bins stay those of all rows while the weights change."""
    confidence, is_hit = confidences(y, proba)
    bins = equal_mass_bins(confidence)
    gaps = np.zeros((len(y), N_BINS))
    gaps[np.arange(len(y)), bins] = is_hit - confidence
    return partial(_gap, gaps)


def _gap(gaps: Floats, weights: Floats) -> Floats:
    """Return the calibration error of each weighting."""
    errors: Floats = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return errors


LOG_LOSS = Metric(
    name="log_loss",
    needs="proba",
    greater_is_better=False,
    function=log_loss,
    weighted=partial(_weighted_mean, log_losses),
    is_proper=True,
)
BRIER = Metric(
    name="brier",
    needs="proba",
    greater_is_better=False,
    function=brier,
    weighted=partial(_weighted_mean, brier_losses),
    is_proper=True,
)
CALIBRATION_ERROR = Metric(
    name="calibration_error",
    needs="proba",
    greater_is_better=False,
    function=calibration_error,
    weighted=_weighted_calibration_error,
)
