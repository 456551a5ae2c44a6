"""What out-of-fold predictions are worth: as they are, or as sure of themselves as they may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration import fit_sharpness, sharpen, sharpen_apart
from mltrain.development import parts_of_rows
from mltrain.metrics import Metric, score_or_nan
from mltrain.models import Fitted, Proba
from mltrain.search.job import SearchJob

_PARTS_OF_ONE = 5


def fold_proba(fitted: Fitted) -> Proba:
    """Return a fold model's predictions for the fold's validation rows, as sure of themselves as its vote will be.

    Notes
    -----
    How sure, these rows have told, as they told at which round to stop: one number more that flatters.
    """
    return sharpen(fitted.valid_proba, fitted.sharpness)


def out_of_fold(fitted: Sequence[Fitted]) -> Proba:
    """Return the predictions of a trial's fold models for the rows that each validated, as sure of themselves as suits.

    Parameters
    ----------
    fitted : sequence of Fitted, in fold order

    Returns
    -------
    ndarray of shape (n_validated, n_classes)

    Notes
    -----
    Of two classes each fold is as sharp as its own rows bear out: where one class is rare, a number that suits other
    folds moves a whole fold up or down, and pooled ROC AUC fell from 0.879 to 0.803 on a made table with 1 % positives.
    Of several classes the other folds tell what suits a fold: its own rows flatter log loss by 1 / n (Akaike), 0.0035
    on digits' folds of 288 rows, and a LightGBM that was ahead by less took the place of votes better on test rows.
    """
    if len(fitted) == 1 or fitted[0].valid_proba.shape[1] == 2:
        return np.concatenate([fold_proba(fold) for fold in fitted])
    logs = np.log([fold.sharpness for fold in fitted])
    of_others = np.exp((logs.sum() - logs) / (len(logs) - 1))
    return np.concatenate([sharpen(f.valid_proba, float(s)) for f, s in zip(fitted, of_others, strict=True)])


def as_scored(job: SearchJob, proba: Proba) -> Proba:
    """Return out-of-fold predictions as they are scored.

    Parameters
    ----------
    proba : ndarray of shape (n_validated, n_classes)
        In the order of `SearchJob.valid_rows`.

    Returns
    -------
    ndarray of that shape
        The same, or, where ``job.sharpens``, each row sharpened by what the rows of other folds taught, on top of what
        `out_of_fold` did.

    Notes
    -----
    A forest of small leaves has a log loss of 0.25 on digits and one of 0.07 once it is calibrated, which it will be;
    compared as they come, forests lose to boosters that they beat.
    """
    if not job.sharpens:
        return proba
    parts = parts_of_rows(job.folds)
    if parts is None:
        parts = np.arange(len(proba)) % _PARTS_OF_ONE
    return sharpen_apart(proba, job.y[job.valid_rows], parts=parts)


def score_of(job: SearchJob, proba: Proba) -> float:
    """Return the score of out-of-fold predictions, or NaN where the metric is undefined."""
    return score_or_nan(job.metric, job.y[job.valid_rows], as_scored(job, proba))


def score_of_fold(metric: Metric, y: NDArray[np.int64], proba: Proba, *, sharpens: bool) -> float:
    """Return the score of one fold's predictions, NaN where undefined: for comparing trials on the same fold alone."""
    return score_or_nan(metric, y, sharpen(proba, fit_sharpness(proba, y)) if sharpens else proba)
