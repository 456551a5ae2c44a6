"""Log loss of scores that are as sure of themselves as the validation rows bear out, round after round.

A booster learns to rank long after it has become too sure of itself. One number mends that, and a fit that is stopped
by what is left after it goes on for as long as there is something to learn.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

Floats: TypeAlias = NDArray[np.float64]

# One number needs no more than that to be told, unless a class has one row in thousands.
_MOST_CELLS = 200_000
_MOST_STEPS = 4
_CLOSE = 1e-3
# Without a mistake on some hundred rows there is no end to how sure a model may be of the next ones.
_LEAST, _MOST = 1 / 8, 8.0


class SharpLoss:
    """Follows one fit: each loss starts from the sharpness of the one before.

    Parameters
    ----------
    y : ndarray of shape (n_valid,), class codes
    weights : ndarray of shape (n_valid,), optional
        Where all are 0, rows count alike.

    Attributes
    ----------
    sharpness : float
        What scores are multiplied by: below 1 for a model that is too sure of itself. From 1/8 to 8; 1 where fewer than
        two classes are there.

    References
    ----------
    Berta, Holzmüller, Jordan, Bach (2025), Rethinking early stopping: refine, then calibrate, arXiv:2501.19195: stop by
    the loss after calibration, which on few rows is told better by one temperature than by the area under a curve.
    Guo et al. (2017), On calibration of modern neural networks, arXiv:1706.04599: the temperature.
    """

    def __init__(self, y: NDArray[np.int64], *, weights: Floats | None = None) -> None:
        self.sharpness = 1.0
        self._y = y
        self._shares = None if weights is None or not weights.any() else weights / weights.sum()
        self._is_fixed = len(np.unique(y if self._shares is None else y[self._shares > 0])) < 2

    def after(self, scores: NDArray[np.floating]) -> float:
        """Suit the sharpness to the scores; return the weighted mean of ``-log(probability of the true class)``.

        Parameters
        ----------
        scores : ndarray of shape (n_valid,) or (n_valid, n_classes)
            Log odds of class 1, or scores of which `softmax` makes probabilities.
        """
        known: Floats = scores.astype(np.float64)
        if known.ndim == 1:
            known = np.where(self._y == 1, -known, known)
        if not self._is_fixed:
            self._step_closer(known)
        return _mean(_losses(self.sharpness * known, self._y), self._shares)

    def _step_closer(self, scores: Floats) -> None:
        """Take Newton's steps towards the least loss on some of the rows; it is convex in the sharpness."""
        step = max(1, scores.size // _MOST_CELLS)
        some, y = scores[::step], self._y[::step]
        shares = None if self._shares is None else self._shares[::step]
        for _ in range(_MOST_STEPS):
            before = self.sharpness
            slopes, bends = _slopes(some, y, sharpness=before)
            slope, bend = _mean(slopes, shares), _mean(bends, shares)
            wanted = before - slope / max(bend, 1e-12)
            # Not by `np.clip`, which takes as long for one number as the slopes of some hundred rows.
            near = min(max(wanted, before / 2), 2 * before)
            self.sharpness = min(max(near, _LEAST), _MOST)
            if abs(self.sharpness - before) < _CLOSE * before:
                return


def _mean(values: Floats, shares: Floats | None) -> float:
    """Return the mean; not by BLAS, whose sums would depend on its threads. Shares of some rows need not sum to 1."""
    return float(values.mean() if shares is None else (values * shares).sum())


def _losses(scores: Floats, y: NDArray[np.int64]) -> Floats:
    """Return each row's loss; of two classes ``scores`` are the log odds of the wrong one."""
    if scores.ndim == 1:
        losses: Floats = np.maximum(scores, 0) + np.log1p(np.exp(-np.abs(scores)))
        return losses
    return np.asarray(logsumexp(scores, axis=1)) - scores[np.arange(y.size), y]


def _slopes(scores: Floats, y: NDArray[np.int64], *, sharpness: float) -> tuple[Floats, Floats]:
    """Return the first and the second derivative of each row's loss by the sharpness."""
    if scores.ndim == 1:
        wrong = expit(sharpness * scores)
        return wrong * scores, wrong * (1 - wrong) * scores**2
    proba = softmax(sharpness * scores, axis=1)
    mean = (proba * scores).sum(axis=1)
    return mean - scores[np.arange(y.size), y], (proba * scores**2).sum(axis=1) - mean**2
