"""The tables: real ones from a folder and from packages, and made ones; the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification

from benchmarks.peers.keel import KEEL, load_keel

TARGET = "target"


def made_wide() -> pd.DataFrame:
    """Return 2,000 rows of 300 columns, 20 of which tell something."""
    X, y = make_classification(
        n_samples=2000, n_features=300, n_informative=20, n_redundant=30, flip_y=0.05, class_sep=0.7, random_state=0
    )
    return _frame(X, y)


def made_imbalanced() -> pd.DataFrame:
    """Return 10,000 rows of 20 columns, 1 % of them positive."""
    X, y = make_classification(
        n_samples=10_000,
        n_features=20,
        n_informative=8,
        n_clusters_per_class=3,
        weights=[0.99],
        flip_y=0.0,
        class_sep=0.6,
        random_state=0,
    )
    return _frame(X, y)


SHARED = ("german", "credit", "telco", "lending", "species", "adult", "diamonds", "cdc", "flights")
BUILT: dict[str, Callable[[], pd.DataFrame]] = {
    "wine": lambda: load_wine(as_frame=True).frame,
    "breast_cancer": lambda: load_breast_cancer(as_frame=True).frame,
    "digits": lambda: load_digits(as_frame=True).frame,
    "wide": made_wide,
    "imbalanced": made_imbalanced,
}
DEFAULT = ("breast_cancer", "german", "digits", "wide", "credit", "telco", "lending", "imbalanced", *SHARED[4:], *KEEL)


def load_table(name: str, folder: Path) -> pd.DataFrame:
    """Return a data set with its label in the column ``target``; train and test files of a folder are joined.

    Raises
    ------
    ValueError
        Nobody knows the name.
    """
    if name in BUILT:
        return BUILT[name]()
    if name in KEEL:
        return load_keel(name)
    parts = [folder / name / f"{part}.parquet" for part in ("train", "test")]
    if not all(part.exists() for part in parts):
        known = ", ".join([*SHARED, *BUILT, *KEEL])
        raise ValueError(f"data set '{name}' is neither in {folder} nor built in; known: {known}")
    return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)


def _frame(X: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(**{TARGET: y})
