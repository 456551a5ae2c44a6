"""A booster from its bytes to its probabilities, for as many threads at once as ask."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import xgboost
from scipy.special import expit
from threadpoolctl import ThreadpoolController

from mltrain.models import Proba
from mltrain.models.rounds import normalise


def load_booster(data: bytes) -> xgboost.Booster:
    """Rebuild a booster from the library's bytes.

    Raises
    ------
    xgboost.core.XGBoostError
        The bytes are not an XGBoost model.
    """
    booster = xgboost.Booster({"verbosity": 0})
    booster.load_model(bytearray(data))
    # Settles the parameters now; two threads whose first predictions meet would both do so.
    booster.save_config()
    return booster


def predict_booster(booster: xgboost.Booster, X: Any, n_classes: int, *, threads: int) -> Proba:
    """Return probabilities of shape (n_samples, n_classes).

    The number of threads is set for the thread that asks, not in the booster: a changed parameter makes the predictions
    of all others fail that are under way.
    """
    if X.shape[0] == 0:
        return np.empty((0, n_classes))
    with _openmp().limit(limits=threads):
        if n_classes == 2:
            # Of a probability in 32 bits the other class would get 0 from log odds of 17 on.
            scores = np.asarray(booster.inplace_predict(X, predict_type="margin"), dtype=np.float64)
            return np.column_stack([expit(-scores), expit(scores)])
        return normalise(np.asarray(booster.inplace_predict(X), dtype=np.float64), n_classes=n_classes)


@cache
def _openmp() -> ThreadpoolController:
    """Return the OpenMP libraries of this process, XGBoost's among them; to look for them takes some 25 ms."""
    return ThreadpoolController().select(user_api="openmp")
