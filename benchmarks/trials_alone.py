"""What LightGBM alone takes for the trials of a search: no sampler, no losses by round, no engine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.peers.contestants.dates import with_date_parts
from benchmarks.peers.datasets import TARGET

# On more rows than this all threads work on one fit, on fewer each core has a fit of its own.
FEW_ROWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One trial: what it was fitted with, and the rounds that it kept."""

    params: dict[str, Any]
    n_rounds: int


def seconds_alone(rows: pd.DataFrame, tried: Sequence[Tried], *, cores: int, seed: int) -> float:
    """Return the wall clock of fitting these trials on four fifths of the rows, binned once, as many at once as pays.

    About what their trees alone cost: rounds after the best one, which early stopping has to wait for, are left out,
    and so are losses, predictions and the sampler. The library's defaults fill the histograms.
    """
    y = pd.factorize(rows[TARGET], sort=True)[0]
    X = with_date_parts(rows.drop(columns=TARGET))
    X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))
    X_train, _, y_train, _ = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    n_classes = int(y.max()) + 1
    task = {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": n_classes}
    shared = task | {"verbosity": -1, "seed": seed, "feature_pre_filter": False, "bagging_freq": 1}
    weights = np.asarray(compute_sample_weight("balanced", y_train))
    n_at_once = cores if len(X_train) <= FEW_ROWS else 1
    # Binned by one thread, so that the number of threads of a fit is its own.
    data = lightgbm.Dataset(X_train, y_train, weight=weights, params=shared | {"num_threads": 1}).construct()

    def fit(trial: Tried) -> None:
        params = {name: value for name, value in trial.params.items() if name != "num_iterations"}
        lightgbm.train(shared | params | {"num_threads": cores // n_at_once}, data, num_boost_round=trial.n_rounds)

    started = time.monotonic()
    with ThreadPoolExecutor(n_at_once) as pool:
        list(pool.map(fit, tried))
    return time.monotonic() - started
