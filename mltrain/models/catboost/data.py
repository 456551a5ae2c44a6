"""The pools that all CatBoost trials share: quantized once per fold, read by every fit.

The library takes category codes as pandas categoricals at the cost of one conversion a level, not a row (3 times
faster than integers, measured on adult), and numbers without a copy where columns lie together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from catboost import CatBoostError, Pool
from catboost.utils import get_gpu_device_count
from numpy.typing import NDArray

from mltrain.errors import EnvironmentRefusal
from mltrain.models import Fold, Objective, View
from mltrain.models.bins import LatestBins
from mltrain.models.rows import pick_categorical, pick_rows
from mltrain.space import Params, Scalar

QUANTIZING = ("border_count", "feature_border_type", "nan_mode")
_MISSING = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldPools:
    """The pools of one fold.

    Attributes
    ----------
    train : Pool
        Labelled by position in ``classes``; quantized on a CPU.
    valid : Pool, optional
        The validation rows whose class the training rows have, for the losses.
    rows : Pool, optional
        All validation rows, for predictions; the same pool as ``valid`` unless a class is lacking.
    classes : tuple of int
        Codes of the classes among the training rows, ascending.
    """

    train: Pool
    valid: Pool | None
    rows: Pool | None
    classes: tuple[int, ...]
    n_train: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pools:
    """What all trials share; ``bins`` holds the folds' pools and is filled on demand."""

    view: View
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    folds: tuple[Fold, ...]
    objective: Objective
    bins: LatestBins[FoldPools]


def prepare_pools(
    view: View,
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    folds: Sequence[Fold],
    objective: Objective,
    threads: int,
    first: Params,
) -> Pools:
    """Return the shared data with the first fold, if anything can be learnt from it; if not, its fits say why."""
    if objective.device == "gpu" and get_gpu_device_count() == 0:
        raise EnvironmentRefusal("catboost finds no gpu here", where="train.device", hint="set train.device to cpu")
    bins: LatestBins[FoldPools] = LatestBins(n_cells=view.n_samples * view.n_features)
    pools = Pools(view=view, y=y, weights=weights, folds=tuple(folds), objective=objective, bins=bins)
    with suppress(ValueError, CatBoostError):
        fold_pools(pools, 0, quantizing=quantizing_of(first, objective), threads=threads)
    return pools


def quantizing_of(settled: Params, objective: Objective) -> dict[str, Scalar]:
    """Return those of the parameters that pools are quantized by; on a GPU the library is told them with the rest."""
    if objective.device == "gpu":
        return {}
    return {name: settled[name] for name in QUANTIZING if name in settled}


def fold_pools(pools: Pools, fold: int, *, quantizing: Mapping[str, Scalar], threads: int) -> FoldPools:
    """Return one fold's pools, made on first use.

    Raises
    ------
    ValueError
        The training rows have one class only.
    catboost.CatBoostError
        A setting is refused, or no feature varies.
    """

    def make() -> dict[int, FoldPools]:
        return {fold: _make(pools, pools.folds[fold], quantizing=quantizing, threads=threads)}

    return pools.bins.fold(quantizing, fold, make=make)


def make_pool(
    X: NDArray[np.float32],
    *,
    categorical: Sequence[int],
    label: NDArray[np.int64] | None = None,
    weights: NDArray[np.float64] | None = None,
    threads: int,
) -> Pool:
    """Return rows of the native view as the library wants them."""
    X = np.asarray(X, dtype=np.float32)
    data = _frame(X, categorical) if len(categorical) else np.asfortranarray(X)
    return Pool(data, label=label, weight=weights, cat_features=list(categorical), thread_count=threads)


def _make(pools: Pools, fold: Fold, *, quantizing: Mapping[str, Scalar], threads: int) -> FoldPools:
    classes = np.unique(pick_rows(pools.y, fold.train))
    if classes.size < 2:
        raise ValueError(f"all {fold.train.size} training rows of a fold have the same class")
    train = _pool(pools, fold, fold.train, classes=classes, threads=threads)
    if pools.objective.device == "cpu":
        # Of more than 200,000 rows a sample settles where numbers are cut.
        train.quantize(**quantizing, random_seed=pools.objective.seed)
    is_scored = np.isin(pick_rows(pools.y, fold.valid), classes)
    scored = fold.valid[is_scored]
    valid = _pool(pools, fold, scored, classes=classes, threads=threads) if scored.size else None
    rows = valid if is_scored.all() else _pool(pools, fold, fold.valid, threads=threads)
    return FoldPools(
        train=train, valid=valid, rows=rows, classes=tuple(int(code) for code in classes), n_train=fold.train.size
    )


def _pool(
    pools: Pools,
    fold: Fold,
    rows: NDArray[np.intp],
    *,
    classes: NDArray[np.int64] | None = None,
    threads: int,
) -> Pool:
    """Return some rows of a fold, labelled by position in ``classes``, if any."""
    return make_pool(
        pick_rows(pools.view.X, rows, fold.features),
        categorical=pick_categorical(pools.view.categorical, fold.features),
        label=None if classes is None else np.searchsorted(classes, pick_rows(pools.y, rows)),
        weights=None if pools.weights is None else pick_rows(pools.weights, rows),
        threads=threads,
    )


def _frame(X: NDArray[np.float32], categorical: Sequence[int]) -> pd.DataFrame:
    """Return columns of numbers and of categories, the missing being a category of its own."""
    columns = {position: X[:, position] for position in range(X.shape[1])}
    return pd.DataFrame(columns | {position: _levels(X[:, position]) for position in categorical}, copy=False)


def _levels(codes: NDArray[np.float32]) -> pd.Categorical[int]:
    known = np.nan_to_num(codes, nan=_MISSING).astype(np.int32)
    levels = pd.RangeIndex(_MISSING, int(known.max(initial=_MISSING)) + 1)
    return pd.Categorical.from_codes(known - _MISSING, categories=levels)
