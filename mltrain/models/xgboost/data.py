"""The matrices that all XGBoost trials share: sketched once per fold and number of bins."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from mltrain.errors import EnvironmentRefusal
from mltrain.models import Fold, Objective, View
from mltrain.space import Scalar

_DEFAULT_BINS = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldMatrices:
    """The matrices of one fold; ``X_valid`` holds the validation rows, of which there may be none."""

    train: xgboost.QuantileDMatrix
    valid: xgboost.DMatrix | None
    X_valid: NDArray[np.float32]
    n_train: int
    n_classes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrices:
    """What all trials share; ``cache`` holds the folds by number of bins and is filled on demand under ``lock``."""

    view: View
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    folds: tuple[Fold, ...]
    objective: Objective
    lock: Lock = field(default_factory=Lock)
    cache: dict[int, tuple[FoldMatrices, ...]] = field(default_factory=dict)


def prepare_matrices(
    view: View,
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    folds: Sequence[Fold],
    objective: Objective,
    threads: int,
) -> Matrices:
    """Return the shared data with the default bins already made."""
    if objective.device == "gpu":
        _require_gpu()
    matrices = Matrices(view=view, y=y, weights=weights, folds=tuple(folds), objective=objective)
    fold_matrices(matrices, 0, max_bin=None, threads=threads)
    return matrices


def fold_matrices(matrices: Matrices, fold: int, *, max_bin: Scalar, threads: int) -> FoldMatrices:
    """Return one fold's matrices, made on first use.

    Raises
    ------
    ValueError
        ``max_bin`` is no whole number above 1.
    """
    bins = _DEFAULT_BINS if max_bin is None else max_bin
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 2:
        raise ValueError(f"parameter 'max_bin' must be a whole number above 1, not {max_bin!r}")
    with matrices.lock:
        if bins not in matrices.cache:
            made = (_make(matrices, part, bins=bins, threads=threads) for part in matrices.folds)
            matrices.cache[bins] = tuple(made)
        return matrices.cache[bins][fold]


def _make(matrices: Matrices, fold: Fold, *, bins: int, threads: int) -> FoldMatrices:
    X, categorical = matrices.view.X, set(matrices.view.categorical)
    features = np.arange(X.shape[1]) if fold.features is None else fold.features
    types = ["c" if int(position) in categorical else "q" for position in features]
    X_train = _rows(X, fold.train, fold.features)
    X_valid = _rows(X, fold.valid, fold.features)
    shared: dict[str, Any] = {"feature_types": types, "enable_categorical": True, "nthread": threads}
    train = xgboost.QuantileDMatrix(X_train, **_targets(matrices, fold.train), max_bin=bins, **shared)
    # Not a QuantileDMatrix with ref=train: that misplaces categories which the training rows of the fold do not have.
    valid = xgboost.DMatrix(X_valid, **_targets(matrices, fold.valid), **shared) if fold.valid.size else None
    return FoldMatrices(
        train=train,
        valid=valid,
        X_valid=X_valid,
        n_train=fold.train.size,
        n_classes=matrices.objective.n_classes,
    )


def _rows(X: NDArray[np.float32], rows: NDArray[np.intp], features: NDArray[np.intp] | None) -> NDArray[np.float32]:
    if features is not None:
        return X[np.ix_(rows, features)]
    return X if rows.size == X.shape[0] else X[rows]


def _targets(matrices: Matrices, rows: NDArray[np.intp]) -> dict[str, Any]:
    weights = None if matrices.weights is None else matrices.weights[rows]
    return {"label": matrices.y[rows].astype(np.float32), "weight": weights}


def _require_gpu() -> None:
    """Train one tree on the GPU: without one the library goes on, on the CPU, with a warning."""
    X = np.arange(64, dtype=np.float32).reshape(-1, 1)
    matrix = xgboost.QuantileDMatrix(X, label=np.arange(64) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        booster = xgboost.Booster({"device": "cuda", "tree_method": "hist", "verbosity": 0}, [matrix])
        booster.update(matrix, 0)
        device = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if not str(device).startswith("cuda"):
        raise EnvironmentRefusal("xgboost finds no gpu here", where="train.device", hint="set train.device to cpu")
