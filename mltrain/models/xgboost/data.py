"""The matrices that all XGBoost trials share: sketched once per fold and number of bins."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

from mltrain.errors import EnvironmentRefusal
from mltrain.memory import give_back
from mltrain.models import Fold, Objective, View
from mltrain.models.bins import LatestBins
from mltrain.models.rows import pick_categorical, pick_rows
from mltrain.space import Params, Scalar

BINNING = ("max_bin",)
_DEFAULT_BINS = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldMatrices:
    """The matrices of one fold.

    Attributes
    ----------
    X_valid : ndarray of shape (n_valid, n_features)
        The validation rows, of which there may be none.
    start : tuple of float, one a class
        Scores of the classes before the first round; of no use for two classes.
    """

    train: xgboost.QuantileDMatrix
    X_valid: NDArray[np.float32]
    y_valid: NDArray[np.int64]
    weights_valid: NDArray[np.float64] | None
    n_train: int
    n_classes: int
    start: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrices:
    """What all trials share; ``bins`` holds the folds' matrices and is filled on demand."""

    view: View
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    folds: tuple[Fold, ...]
    objective: Objective
    bins: LatestBins[FoldMatrices]


def prepare_matrices(
    view: View,
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    folds: Sequence[Fold],
    objective: Objective,
    threads: int,
    first: Params,
) -> Matrices:
    """Return the shared data with the bins of the first fit already made; if they cannot be, the fit says why."""
    if objective.device == "gpu":
        _require_gpu()
    bins: LatestBins[FoldMatrices] = LatestBins(n_cells=view.n_samples * view.n_features)
    matrices = Matrices(view=view, y=y, weights=weights, folds=tuple(folds), objective=objective, bins=bins)
    give_back()
    with suppress(ValueError):
        fold_matrices(matrices, 0, max_bin=first.get("max_bin"), threads=threads)
    give_back()
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
    return matrices.bins.fold({"max_bin": bins}, fold, make=lambda: _make_folds(matrices, bins=bins, threads=threads))


def _make_folds(matrices: Matrices, *, bins: int, threads: int) -> dict[int, FoldMatrices]:
    return {n: _make(matrices, part, bins=bins, threads=threads) for n, part in enumerate(matrices.folds)}


def _make(matrices: Matrices, fold: Fold, *, bins: int, threads: int) -> FoldMatrices:
    X = matrices.view.X
    categorical = set(pick_categorical(matrices.view.categorical, fold.features))
    n_features = X.shape[1] if fold.features is None else fold.features.size
    types = ["c" if position in categorical else "q" for position in range(n_features)]
    y, weights = pick_rows(matrices.y, fold.train), _weights(matrices, fold.train)
    train = xgboost.QuantileDMatrix(
        pick_rows(X, fold.train, fold.features),
        label=y.astype(np.float32),
        weight=weights,
        feature_types=types,
        enable_categorical=True,
        nthread=threads,
        max_bin=bins,
    )
    return FoldMatrices(
        train=train,
        X_valid=pick_rows(X, fold.valid, fold.features),
        y_valid=pick_rows(matrices.y, fold.valid),
        weights_valid=_weights(matrices, fold.valid),
        n_train=fold.train.size,
        n_classes=matrices.objective.n_classes,
        start=_start(y, weights, n_classes=matrices.objective.n_classes),
    )


def _start(y: NDArray[np.int64], weights: NDArray[np.float64] | None, *, n_classes: int) -> tuple[float, ...]:
    """Return the centred log shares of the classes, as the library has them.

    Its own differ in their last bits from one number of threads to another, and so do all trees that follow.
    """
    shares = np.bincount(y, weights=weights, minlength=n_classes)
    scores = np.log(shares / shares.sum() + 1e-6)
    return tuple((scores - scores.mean()).tolist())


def _weights(matrices: Matrices, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    return None if matrices.weights is None else pick_rows(matrices.weights, rows)


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
