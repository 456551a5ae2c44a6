"""The validation loss after each round, from the encoded rows themselves.

A DMatrix of the validation rows would take 8 bytes a cell, and one that shares the bins of training misplaces
categories which training did not have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from mltrain.models.xgboost.data import FoldMatrices


class ValidLoss:
    """Adds each round's trees to the scores of the validation rows; used once, by one fit."""

    def __init__(self, data: FoldMatrices) -> None:
        self._data = data
        self._margin: NDArray[np.float32] | None = None

    def after(self, booster: xgboost.Booster, round_: int) -> float | None:
        """Return the weighted mean log loss after round ``round_`` (from 1, in turn); None without validation rows."""
        if self._data.y_valid.size == 0:
            return None
        self._margin = np.asarray(
            booster.inplace_predict(
                self._data.X_valid,
                iteration_range=(round_ - 1, round_),
                predict_type="margin",
                base_margin=self._margin,
            )
        )
        return _log_loss(self._data.y_valid, self._margin, weights=self._data.weights_valid)


def _log_loss(y: NDArray[np.int64], margin: NDArray[np.float32], *, weights: NDArray[np.float64] | None) -> float:
    """Return the weighted mean of ``-log(probability of the true class)``.

    Parameters
    ----------
    margin : ndarray of shape (n_samples,) or (n_samples, n_classes)
    """
    losses: Any
    if margin.ndim == 1:
        wrong = np.where(y == 1, -margin, margin)
        losses = np.maximum(wrong, 0) + np.log1p(np.exp(-np.abs(margin)))
    else:
        shifted = margin - margin.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(y.size), y]
    return float(losses.mean(dtype=np.float64) if weights is None else np.average(losses, weights=weights))
