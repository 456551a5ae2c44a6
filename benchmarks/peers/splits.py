"""A stratified 80/20 split of a data set, written once: what the contestants may see, and what only the judge sees."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks.peers.datasets import TARGET, load_table

TEST_SIZE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """One split of one data set on disk.

    Attributes
    ----------
    train, test : Path
        Parquet; the test file has no target.
    labels : Path
        The judge's: codes of the test rows, positions in `classes`.
    classes : tuple
        Sorted labels; columns of probabilities stand in this order.
    """

    name: str
    seed: int
    train: Path
    test: Path
    labels: Path
    classes: tuple[Any, ...]
    n_train: int
    n_test: int
    n_features: int

    @property
    def metric(self) -> str:
        """Return what contestants are asked to optimise."""
        return "roc_auc" if len(self.classes) == 2 else "log_loss"

    def codes(self) -> NDArray[np.intp]:
        """Return the class codes of the test rows, shape (n_test,)."""
        codes: NDArray[np.intp] = np.load(self.labels)
        return codes


def write_split(name: str, seed: int, *, data: Path, folder: Path) -> Split:
    """Return split ``seed`` of a data set, writing it below ``folder`` when it is not there."""
    place = folder / name / str(seed)
    if not (place / "split.json").exists():
        shutil.rmtree(place, ignore_errors=True)
        _write(load_table(name, data), seed, place)
    facts = json.loads((place / "split.json").read_text())
    return Split(
        name=name,
        seed=seed,
        train=place / "train.parquet",
        test=place / "test.parquet",
        labels=place / "judge" / "codes.npy",
        classes=tuple(facts["classes"]),
        n_train=facts["n_train"],
        n_test=facts["n_test"],
        n_features=facts["n_features"],
    )


def divide(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return train and test rows, class shares kept; the same for the same seed."""
    train, test = train_test_split(table, test_size=TEST_SIZE, stratify=table[TARGET], random_state=seed)
    return train.reset_index(drop=True), test.reset_index(drop=True)


def _write(table: pd.DataFrame, seed: int, place: Path) -> None:
    train, test = divide(table, seed)
    classes = sorted(table[TARGET].unique().tolist())
    codes = np.array([classes.index(label) for label in test[TARGET].tolist()])
    (place / "judge").mkdir(parents=True)
    np.save(place / "judge" / "codes.npy", codes)
    train.to_parquet(place / "train.parquet", index=False)
    test.drop(columns=TARGET).to_parquet(place / "test.parquet", index=False)
    facts = {
        "classes": classes,
        "n_train": len(train),
        "n_test": len(test),
        "n_features": table.shape[1] - 1,
    }
    (place / "split.json").write_text(json.dumps(facts))
