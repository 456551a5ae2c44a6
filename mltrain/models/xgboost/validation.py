"""The scores of the validation rows, kept up to date from the encoded rows themselves.

A DMatrix of the validation rows would take 8 bytes a cell, and one that shares the bins of training misplaces
categories which training did not have.
"""

from __future__ import annotations

import numpy as np
import xgboost
from numpy.typing import NDArray

from mltrain.models.xgboost.data import FoldMatrices


class ValidScores:
    """Adds the trees of each round to the scores of the validation rows; used once, by one fit."""

    def __init__(self, data: FoldMatrices) -> None:
        self._data = data
        self._scores: NDArray[np.float32] | None = None
        self._n_added = 0

    def after(self, booster: xgboost.Booster, round_: int) -> NDArray[np.float32]:
        """Return the scores after round ``round_`` (from 1, later than the last one asked for).

        Returns
        -------
        ndarray of shape (n_valid,) or (n_valid, n_classes)
            Log odds of class 1, or scores of which softmax makes probabilities.
        """
        self._scores = np.asarray(
            booster.inplace_predict(
                self._data.X_valid,
                iteration_range=(self._n_added, round_),
                predict_type="margin",
                base_margin=self._scores,
            )
        )
        self._n_added = round_
        return self._scores
