"""The Datasets that all LightGBM trials share: binned once per setting of the bins, subset per fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from mltrain.errors import EnvironmentRefusal
from mltrain.models import Fold, Objective, View
from mltrain.space import Scalar

BINNING = ("max_bin", "min_data_in_bin", "enable_bundle", "use_missing", "linear_tree", "bin_construct_sample_cnt")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldData:
    """The Datasets of one fold; ``X_valid`` holds the validation rows, of which there may be none."""

    train: lightgbm.Dataset
    valid: lightgbm.Dataset | None
    X_valid: NDArray[np.float32]
    n_train: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """What all trials share.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    cache : dict
        The folds' Datasets by setting of the bins; filled on demand under ``lock``.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    categorical: tuple[int, ...]
    folds: tuple[Fold, ...]
    objective: Objective
    lock: Lock = field(default_factory=Lock)
    cache: dict[tuple[tuple[str, Scalar], ...], tuple[FoldData, ...]] = field(default_factory=dict)


def prepare_bins(
    view: View,
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    folds: Sequence[Fold],
    objective: Objective,
    threads: int,
) -> Binned:
    """Return the shared data with the default bins already made."""
    if objective.device == "gpu":
        _require_gpu()
    binned = Binned(
        X=view.X, y=y, weights=weights, categorical=view.categorical, folds=tuple(folds), objective=objective
    )
    fold_data(binned, 0, binning={}, threads=threads)
    return binned


def fold_data(binned: Binned, fold: int, *, binning: Mapping[str, Scalar], threads: int) -> FoldData:
    """Return one fold's Datasets, made on first use."""
    key = tuple(sorted(binning.items()))
    with binned.lock:
        if key not in binned.cache:
            binned.cache[key] = _make_folds(binned, binning=binning, threads=threads)
        return binned.cache[key][fold]


def _make_folds(binned: Binned, *, binning: Mapping[str, Scalar], threads: int) -> tuple[FoldData, ...]:
    # Pre-filtering would tie the bins to the first trial's min_data_in_leaf.
    params = {"feature_pre_filter": False, "verbosity": -1, "num_threads": threads, **binning}
    shared: lightgbm.Dataset | None = None
    made = []
    for fold in binned.folds:
        if fold.features is not None:
            made.append(_subset(_dataset(binned, params, features=fold.features), fold, X=binned.X))
            continue
        if shared is None:
            shared = _dataset(binned, params, features=None)
        made.append(_subset(shared, fold, X=binned.X))
    return tuple(made)


def _dataset(binned: Binned, params: Mapping[str, Any], *, features: NDArray[np.intp] | None) -> lightgbm.Dataset:
    X, categorical = binned.X, list(binned.categorical)
    if features is not None:
        X = np.ascontiguousarray(X[:, features])
        categorical = [i for i, position in enumerate(features) if int(position) in set(binned.categorical)]
    dataset = lightgbm.Dataset(
        X,
        label=binned.y.astype(np.float32),
        weight=binned.weights,
        categorical_feature=categorical,
        params=dict(params),
        free_raw_data=True,
    )
    return dataset.construct()


def _subset(dataset: lightgbm.Dataset, fold: Fold, *, X: NDArray[np.float32]) -> FoldData:
    is_whole = fold.train.size == dataset.num_data()
    train = dataset if is_whole else dataset.subset(fold.train.tolist()).construct()
    valid = dataset.subset(fold.valid.tolist()).construct() if fold.valid.size else None
    X_valid = X[fold.valid] if fold.features is None else X[np.ix_(fold.valid, fold.features)]
    return FoldData(train=train, valid=valid, X_valid=X_valid, n_train=fold.train.size)


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
