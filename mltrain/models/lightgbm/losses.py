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
# The training loss is drawn, and decides nothing: so many rows tell it.
_MOST_ROWS = 200_000


class Losses:
    """Follows one booster over one fold."""

    def __init__(self, booster: lightgbm.Booster, data: FoldData) -> None:
        self._booster, self._has_valid = booster, data.valid is not None
        self._step = max(1, data.n_train // _MOST_ROWS)
        self._y_train = data.train.get_label()[:: self._step].astype(np.int64)
        weights = data.train.get_weight()
        self._weights_train = None if weights is None else weights[:: self._step]
        self._valid = SharpLoss(data.y_valid, weights=data.weights_valid)
        if data.valid is not None:
            booster.add_valid(data.valid, "valid")

    @property
    def sharpness(self) -> float:
        """That of the last look at the validation rows."""
        return self._valid.sharpness

    def of_train(self) -> float:
        """Return the loss of the training rows, or of an even sample of many, as they are."""
        return float(self._booster.eval_train(self._plain_loss)[0][2])

    def of_valid(self) -> float | None:
        """Return the sharpened loss of the validation rows; None without any."""
        return float(self._booster.eval_valid(self._sharp_loss)[0][2]) if self._has_valid else None

    def _sharp_loss(self, proba: NDArray[np.float64], _: lightgbm.Dataset) -> tuple[str, float, bool]:
        known = np.clip(proba, _SMALLEST, 1 - _SMALLEST)
        return "loss", self._valid.after(logit(known) if known.ndim == 1 else np.log(known)), False

    def _plain_loss(self, proba: NDArray[np.float64], _: lightgbm.Dataset) -> tuple[str, float, bool]:
        y, some = self._y_train, proba[:: self._step]
        own = np.where(y == 1, some, 1 - some) if some.ndim == 1 else some[np.arange(y.size), y]
        return "loss", float(np.average(-np.log(np.maximum(own, _SMALLEST)), weights=self._weights_train)), False
