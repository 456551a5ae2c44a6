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
# Rows times classes: some thousand rows tell a few numbers as well as all of them do, in a second, not a minute.
_MAX_CELLS_JUDGED = 100_000
_MAX_CELLS_FITTED = 400_000


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
        None when no method helps, or no two classes have five rows to judge by. Where others have fewer, temperature
        alone is tried.

    Raises
    ------
    mltrain.errors.UsageError
        The method does not exist.
    """
    rows = _sample(len(y), _MAX_CELLS_FITTED // proba.shape[1], seed)
    if method != "auto":
        return fit_calibrator(method, proba[rows], y[rows])  # type: ignore[arg-type]
    if np.sort(np.bincount(y, minlength=2))[-2] < _N_FOLDS:
        return None
    folds = _folds(y, seed) if parts is None else parts
    judged = _sample(len(y), _MAX_CELLS_JUDGED // proba.shape[1], seed)
    chosen = _first_that_helps(proba[judged], y[judged], folds[judged])
    return None if chosen is None else fit_calibrator(chosen, proba[rows], y[rows])


def _sample(n_samples: int, most: int, seed: int) -> NDArray[np.intp]:
    """Return rows at random, ascending; all of them when they are not too many."""
    if n_samples <= most:
        return np.arange(n_samples)
    return np.sort(np.random.default_rng(seed).choice(n_samples, size=most, replace=False))


def _first_that_helps(proba: Floats, y: NDArray[np.int64], folds: NDArray[np.intp]) -> Method | None:
    """Return the method with the best cross-fitted log loss, if it is better beyond doubt."""
    best: Method | None = None
    best_losses = log_losses(y, proba)
    for method in METHODS:
        if not _has_rows_for(method, y):
            continue
        losses = log_losses(y, _cross_fitted(method, proba, y, folds))
        gains = best_losses - losses
        if gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains)):
            best, best_losses = method, losses
    return best


def _has_rows_for(method: Method, y: NDArray[np.int64]) -> bool:
    """Say whether there are rows enough: of every class one a fold, more for a free curve; for one number any will do.

    Trials are compared as sharp as one number makes them, so that what is kept has to get it wherever they do.
    """
    if method == "temperature":
        return True
    counts = np.bincount(y)
    n_rarest = int(counts[counts > 0].min())
    if method == "isotonic":
        return len(y) >= _MIN_ROWS_ISOTONIC and n_rarest >= _MIN_CLASS_ROWS_ISOTONIC
    return n_rarest >= _N_FOLDS


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
    for fold in np.unique(folds):
        inside = folds == fold
        calibrator = fit_calibrator(method, proba[~inside], y[~inside])
        calibrated[inside] = calibrate(calibrator, proba[inside])
    return calibrated
