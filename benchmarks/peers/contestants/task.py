"""What a contestant is told and what it leaves: the only thing the adapters share; imports nothing of mltrain."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task: train on a file in so many seconds, then give probabilities for another file."""

    folder: Path
    train: Path
    test: Path
    target: str
    classes: list[Any]
    metric: str
    budget_s: float
    cores: int
    seed: int
    packages: list[str]

    @property
    def is_binary(self) -> bool:
        """Return whether there are two classes."""
        return len(self.classes) == 2


def read_task() -> Task:
    """Return the task in the folder named on the command line, and keep this process to its cores."""
    folder = Path(sys.argv[1])
    values = json.loads((folder / "task.json").read_text())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: values["cores"]])
    train, test = Path(values.pop("train")), Path(values.pop("test"))
    return Task(folder=folder, train=train, test=test, **values)


def read_rows(path: Path) -> pd.DataFrame:
    """Return a file's rows, dates without a time zone: no peer takes one."""
    rows = pd.read_parquet(path)
    zoned = rows.select_dtypes("datetimetz").columns
    return rows.assign(**{name: rows[name].dt.tz_convert(None).astype("datetime64[ns]") for name in zoned})


def mark(task: Task, name: str) -> None:
    """Write down that a moment was reached: ``fit`` the training starts, ``ready`` the model can predict."""
    path = task.folder / f"{name}.mark"
    path.with_suffix(".part").write_text(repr(time.monotonic()))
    path.with_suffix(".part").rename(path)


def deliver(
    task: Task,
    X: pd.DataFrame,
    predict: Callable[[pd.DataFrame], np.ndarray],
    *,
    classes: Iterable[Any],
    details: Mapping[str, Any] | None = None,
) -> None:
    """Time the predictions, write the probabilities and say what took part.

    Parameters
    ----------
    X : DataFrame of n_samples rows
        The test rows as `predict` takes them.
    predict : callable
        Returns probabilities of shape (n_samples, n_classes).
    classes : iterable
        Labels of the columns that `predict` returns.
    """
    started = time.perf_counter()
    proba = predict(X)
    predict_s = time.perf_counter() - started
    np.save(task.folder / "proba.npy", ordered(proba, list(classes), task.classes))
    thousand = X.iloc[np.arange(1000) % len(X)].reset_index(drop=True)
    facts = {
        "predict_s": predict_s,
        "predict_1000_s": sorted(_seconds(predict, thousand) for _ in range(3))[1],
        "versions": versions(task.packages),
        "details": dict(details or {}),
    }
    (task.folder / "result.json").write_text(json.dumps(facts))


def ordered(proba: np.ndarray, found: list[Any], wanted: list[Any]) -> np.ndarray:
    """Return the columns in the order of the task's classes; a class that was never learnt gets 0."""
    names = [str(label) for label in found]
    placed = np.zeros((len(proba), len(wanted)))
    for column, label in enumerate(wanted):
        if str(label) in names:
            placed[:, column] = np.asarray(proba)[:, names.index(str(label))]
    return placed


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _seconds(predict: Callable[[pd.DataFrame], np.ndarray], X: pd.DataFrame) -> float:
    started = time.perf_counter()
    predict(X)
    return time.perf_counter() - started
