"""Choose whether and how to calibrate, on predictions that were not fitted on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration.calibrator import METHODS, Calibrator, Floats, Method, calibrate
from mltrain.calibration.fitting import fit_calibrator
from mltrain.metrics.probabilities import log_losses

_N_FOLDS = 5
_MIN_ROWS_ISOTONIC = 1000  # below, its steps follow noise
_MIN_CLASS_ROWS_ISOTONIC = 100


def choose_calibrator(
    proba: Floats,
    y: NDArray[np.int64],
    *,
    method: Method | str = "auto",
    seed: int,
    parts: NDArray[np.intp] | None = None,
) -> Calibrator | None:
    """Fit the named method, or the best one that helps.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Predictions for rows that the model has not learnt from.
    y : ndarray of shape (n_samples,), class codes
    method : str
        A name of `METHODS`, or ``auto``: methods are tried from the simplest on, each fitted on four fifths
        and judged by log loss on the last fifth, in turn. One is taken when it beats the best so far, at
        first doing nothing, by more than one standard error of the paired difference.
    parts : ndarray of shape (n_samples,), optional
        Number of the part that a row is judged with, such as its fold, where groups or time must not be torn; by
        default rows are dealt at random, class by class.

    Returns
    -------
    Calibrator or None
        None when no method helps or a class has too few rows to judge.

    Raises
    ------
    mltrain.errors.UsageError
        The method does not exist.
    """
    if method != "auto":
        return fit_calibrator(method, proba, y)  # type: ignore[arg-type]
    folds = _folds(y, seed) if parts is None else parts
    chosen = _first_that_helps(proba, y, folds) if _can_be_judged(y) else None
    return None if chosen is None else fit_calibrator(chosen, proba, y)


def _can_be_judged(y: NDArray[np.int64]) -> bool:
    """Say whether there are two classes and each fold can hold a row of every class."""
    counts = np.bincount(y)
    return int((counts > 0).sum()) >= 2 and int(counts[counts > 0].min()) >= _N_FOLDS


def _first_that_helps(proba: Floats, y: NDArray[np.int64], folds: NDArray[np.intp]) -> Method | None:
    """Return the method with the best cross-fitted log loss, if it is better beyond doubt."""
    best: Method | None = None
    best_losses = log_losses(y, proba)
    for method in METHODS:
        if method == "isotonic" and not _has_rows_for_isotonic(y):
            continue
        losses = log_losses(y, _cross_fitted(method, proba, y, folds))
        gains = best_losses - losses
        if gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains)):
            best, best_losses = method, losses
    return best


def _has_rows_for_isotonic(y: NDArray[np.int64]) -> bool:
    """Say whether a free curve has enough rows of every class."""
    counts = np.bincount(y)
    return len(y) >= _MIN_ROWS_ISOTONIC and int(counts[counts > 0].min()) >= _MIN_CLASS_ROWS_ISOTONIC


def _folds(y: NDArray[np.int64], seed: int) -> NDArray[np.intp]:
    """Deal the rows of each class, shuffled, to the folds in turn."""
    shuffled = np.random.default_rng(seed).permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    folds = np.empty(len(y), dtype=np.intp)
    folds[by_class] = np.arange(len(y)) % _N_FOLDS
    return folds


def _cross_fitted(method: Method, proba: Floats, y: NDArray[np.int64], folds: NDArray[np.intp]) -> Floats:
    """Calibrate each fold with what the others taught."""
    calibrated = np.empty_like(proba)
    for fold in range(_N_FOLDS):
        inside = folds == fold
        calibrator = fit_calibrator(method, proba[~inside], y[~inside])
        calibrated[inside] = calibrate(calibrator, proba[inside])
    return calibrated
