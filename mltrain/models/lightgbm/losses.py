"""The losses of a fit's rows between two rounds, from the probabilities that the library keeps up to date."""

from __future__ import annotations

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from mltrain.models.lightgbm.data import FoldData
from mltrain.models.sharp_loss import SharpLoss

# As near to 0 as `mltrain.calibration` lets a probability be.
_SMALLEST = 1e-15


class Losses:
    """Follows one booster over one fold."""

    def __init__(self, booster: lightgbm.Booster, data: FoldData) -> None:
        self._booster, self._has_valid = booster, data.valid is not None
        self._valid = SharpLoss(data.y_valid, weights=data.weights_valid)
        if data.valid is not None:
            booster.add_valid(data.valid, "valid")

    @property
    def sharpness(self) -> float:
        """That of the last look at the validation rows."""
        return self._valid.sharpness

    def of_train(self) -> float:
        """Return the loss of the training rows as they are."""
        return float(self._booster.eval_train(_plain_loss)[0][2])

    def of_valid(self) -> float | None:
        """Return the sharpened loss of the validation rows; None without any."""
        return float(self._booster.eval_valid(self._sharp_loss)[0][2]) if self._has_valid else None

    def _sharp_loss(self, proba: NDArray[np.float64], _: lightgbm.Dataset) -> tuple[str, float, bool]:
        known = np.clip(proba, _SMALLEST, 1 - _SMALLEST)
        return "loss", self._valid.after(logit(known) if known.ndim == 1 else np.log(known)), False


def _plain_loss(proba: NDArray[np.float64], data: lightgbm.Dataset) -> tuple[str, float, bool]:
    y = np.asarray(data.get_label()).astype(np.int64)
    own = np.where(y == 1, proba, 1 - proba) if proba.ndim == 1 else proba[np.arange(y.size), y]
    return "loss", float(np.average(-np.log(np.maximum(own, _SMALLEST)), weights=data.get_weight())), False
