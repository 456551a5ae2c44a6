"""The Datasets that all LightGBM trials share: binned once per setting of the bins, subset per fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from mltrain.errors import EnvironmentRefusal
from mltrain.memory import give_back
from mltrain.models import Fold, Objective, View
from mltrain.models.bins import LatestBins
from mltrain.models.rows import pick_categorical, pick_rows
from mltrain.space import Params, Scalar

# Histograms of so many bins in all stay in a core's cache: then rows are added to those of all features at once in 0.5
# to 0.95 of the time that one feature after the other takes (German credit, adult, cdc, diamonds), and on one thread
# the models are the same bit for bit. Above, neither was always faster, and rows need a copy of the bins.
_ROW_WISE_BINS = 4_096

BINNING = ("max_bin", "min_data_in_bin", "enable_bundle", "use_missing", "linear_tree", "bin_construct_sample_cnt")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldData:
    """The Datasets of one fold; ``X_valid`` holds the validation rows, of which there may be none.

    Attributes
    ----------
    is_row_wise : bool
        Whether one thread fills histograms faster row by row.
    """

    train: lightgbm.Dataset
    valid: lightgbm.Dataset | None
    X_valid: NDArray[np.float32]
    y_valid: NDArray[np.int64]
    weights_valid: NDArray[np.float64] | None
    n_train: int
    is_row_wise: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """What all trials share.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    bins : LatestBins
        The folds' Datasets, filled on demand.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    categorical: tuple[int, ...]
    folds: tuple[Fold, ...]
    objective: Objective
    bins: LatestBins[FoldData]


def prepare_bins(
    view: View,
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    folds: Sequence[Fold],
    objective: Objective,
    threads: int,
    first: Params,
) -> Binned:
    """Return the shared data with the bins of the first fit already made; if they cannot be, the fit says why."""
    if objective.device == "gpu":
        _require_gpu()
    binned = Binned(
        X=view.X,
        y=y,
        weights=weights,
        categorical=view.categorical,
        folds=tuple(folds),
        objective=objective,
        bins=LatestBins(n_cells=view.n_samples * view.n_features),
    )
    give_back()
    with suppress(LightGBMError):
        fold_data(binned, 0, binning=binning_of(first), threads=threads)
    give_back()
    return binned


def binning_of(settled: Params) -> dict[str, Scalar]:
    """Return those of the parameters that ask for bins of their own."""
    return {name: settled[name] for name in BINNING if name in settled}


def fold_data(binned: Binned, fold: int, *, binning: Mapping[str, Scalar], threads: int) -> FoldData:
    """Return one fold's Datasets, made on first use."""
    return binned.bins.fold(binning, fold, make=lambda: _make_folds(binned, binning=binning, threads=threads))


def _make_folds(binned: Binned, *, binning: Mapping[str, Scalar], threads: int) -> dict[int, FoldData]:
    params = {
        # Pre-filtering would tie the bins to the first trial's min_data_in_leaf.
        "feature_pre_filter": False,
        # Sparse bins are summed by blocks of rows, one a thread: on 600,000 rows one and two threads made other models.
        "is_enable_sparse": False,
        # Of more than 200,000 rows a sample settles where bins are cut.
        "data_random_seed": binned.objective.seed,
        "verbosity": -1,
        "num_threads": threads,
        **binning,
    }
    sharing = [fold for fold in binned.folds if fold.features is None]
    if len(sharing) < 2:
        return {number: _alone(binned, fold, params=params) for number, fold in enumerate(binned.folds)}
    everything = Fold(train=np.arange(binned.X.shape[0]), valid=np.arange(0))
    shared = _dataset(binned, everything.train, params=params)
    return {
        number: (
            _alone(binned, fold, params=params) if fold.features is not None else _subsets(binned, fold, shared=shared)
        )
        for number, fold in enumerate(binned.folds)
    }


def _alone(binned: Binned, fold: Fold, *, params: Mapping[str, Any]) -> FoldData:
    """Return a fold with bins of its own, found in its training rows."""
    train = _dataset(binned, fold.train, params=params, features=fold.features)
    valid = None
    if fold.valid.size:
        valid = _dataset(binned, fold.valid, params=params, features=fold.features, reference=train)
    return _fold_data(binned, fold, train=train, valid=valid)


def _subsets(binned: Binned, fold: Fold, *, shared: lightgbm.Dataset) -> FoldData:
    """Return a fold of rows that are binned already."""
    is_whole = fold.train.size == shared.num_data()
    train = shared if is_whole else _subset(shared, fold.train)
    return _fold_data(binned, fold, train=train, valid=_subset(shared, fold.valid) if fold.valid.size else None)


def _fold_data(binned: Binned, fold: Fold, *, train: lightgbm.Dataset, valid: lightgbm.Dataset | None) -> FoldData:
    X_valid = pick_rows(binned.X, fold.valid, fold.features)
    return FoldData(
        train=train,
        valid=valid,
        X_valid=X_valid,
        y_valid=pick_rows(binned.y, fold.valid),
        weights_valid=None if binned.weights is None else pick_rows(binned.weights, fold.valid),
        n_train=fold.train.size,
        is_row_wise=sum(train.feature_num_bin(i) for i in range(train.num_feature())) <= _ROW_WISE_BINS,
    )


def _dataset(
    binned: Binned,
    rows: NDArray[np.intp],
    *,
    params: Mapping[str, Any],
    features: NDArray[np.intp] | None = None,
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    dataset = lightgbm.Dataset(
        np.ascontiguousarray(pick_rows(binned.X, rows, features)),
        label=pick_rows(binned.y, rows).astype(np.float32),
        weight=None if binned.weights is None else pick_rows(binned.weights, rows),
        categorical_feature=pick_categorical(binned.categorical, features),
        reference=reference,
        params=dict(params),
        free_raw_data=True,
    )
    return dataset.construct()


def _subset(dataset: lightgbm.Dataset, rows: NDArray[np.intp]) -> lightgbm.Dataset:
    part = dataset.subset([0])
    # Given to `subset`, the positions would become a list of Python integers, 36 bytes a row.
    part.used_indices = rows.astype(np.int32)
    return part.construct()


def _require_gpu() -> None:
    """Train one tree on the GPU, the only test that covers driver, device and build."""
    X = np.arange(64, dtype=np.float32).reshape(-1, 1)
    dataset = lightgbm.Dataset(X, label=np.arange(64) % 2, params={"verbosity": -1})
    try:
        lightgbm.Booster({"device_type": "gpu", "objective": "binary", "verbosity": -1}, dataset).update()
    except LightGBMError as error:
        raise EnvironmentRefusal(
            f"lightgbm cannot use a gpu here: {error}", where="train.device", hint="set train.device to cpu"
        ) from error
