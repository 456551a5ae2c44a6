"""Which rows go where: train, validation, calibration and test, and folds inside train + validation.

Knows class codes, groups and moments; tables, files and labels are not its business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.config import SplitSection
from mltrain.data.text import as_text, group_codes, is_missing
from mltrain.errors import ConfigError, DataError
from mltrain.splitting.chronology import (
    check_cut_offs,
    first_moments,
    folds_in_time,
    parts_by_time,
    row_moments,
    split_cuts,
)
from mltrain.splitting.partition import parts_by_group, parts_by_stratum, stratified_folds

__all__ = ["Shares", "make_folds", "split_rows", "split_shares"]

Positions = NDArray[np.intp]
NOTHING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """Shares of all rows, in the order in which time splits lay them out; they sum to 1 and some may be 0."""

    train: float
    validation: float
    calibration: float
    test: float

    def named(self) -> dict[str, float]:
        """Return the splits that get rows, in this order."""
        shares = {"train": self.train, "validation": self.validation}
        shares |= {"calibration": self.calibration, "test": self.test}
        return {name: share for name, share in shares.items() if share > 0}


def split_rows(
    y: NDArray[np.int64],
    section: SplitSection,
    *,
    seed: int,
    groups: pa.ChunkedArray | None = None,
    times: pa.ChunkedArray | None = None,
    keys: pa.ChunkedArray | None = None,
    has_test: bool = False,
) -> Mapping[str, Positions]:
    """Divide rows into splits.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class codes.
    section : SplitSection
        The kind of split, shares and cut-offs.
    groups, times, keys : pyarrow.ChunkedArray of shape (n_samples,), optional
        Values of the columns that the section names; rows without a group are groups of their own.
    has_test : bool
        Test rows come from elsewhere: all of these are for train, validation and calibration.

    Returns
    -------
    mapping of str to ndarray of int
        Ascending positions for ``train``, ``validation`` and, where asked for, ``calibration`` and ``test``.
        No row is in two splits. Every row is in one, except that ``group_time`` keeps out what a group of one
        split does in the time of a later one.

    Raises
    ------
    mltrain.errors.DataError
        A split would be empty, a time is missing, or a key is missing or repeated.
    mltrain.errors.ConfigError
        The shares leave nothing to train on, or cut-off dates do not fit.
    """
    check_cut_offs(section, times)
    shares = split_shares(section, has_test=has_test).named()
    names, sizes = list(shares), np.array(list(shares.values()))
    if section.kind in ("time", "group_time"):
        moments = row_moments(_named(times), where=f"column {section.time_column!r}")
        starts = first_moments(moments, group_codes(_named(groups))) if section.kind == "group_time" else None
        cuts = split_cuts(moments if starts is None else starts, section, names=names, shares=sizes)
        parts = parts_by_time(moments, cuts, starts=starts)
    elif section.kind == "group":
        ranks = _ranks(len(y), keys=keys, seed=seed)
        parts = parts_by_group(group_codes(_named(groups)), y, ranks=ranks, shares=sizes)
    else:
        strata = y if section.kind == "stratified" else np.zeros_like(y)
        parts = parts_by_stratum(strata, ranks=_ranks(len(y), keys=keys, seed=seed), shares=sizes)
    found = {name: np.flatnonzero(parts == part) for part, name in enumerate(names)}
    for name, positions in found.items():
        if len(positions) == 0:
            raise _empty_split(name, section, n_rows=len(y))
    return found


def make_folds(
    y: NDArray[np.int64],
    *,
    kind: str,
    n_folds: int,
    seed: int,
    n_repeats: int = 1,
    groups: pa.ChunkedArray | None = None,
    times: pa.ChunkedArray | None = None,
) -> tuple[tuple[Positions, Positions], ...]:
    """Return (train, valid) positions, ascending, for cross-validation that respects the kind of split.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class codes.
    kind : str
        As ``split.kind``. Stratified, random and group: every row is validated once, except the only row of a
        class, which always trains. Time and group_time: each fold validates rows that follow those it trains on.
    n_folds : int
        Folds asked for; fewer where there are too few groups, moments or rows, and folds that would train
        without one of the classes are left out.
    n_repeats : int
        How often all rows are dealt anew, for stratified and random folds; those of the first repeat come first and
        are the same however many follow.

    Raises
    ------
    mltrain.errors.DataError
        No fold can be made.
    """
    if kind in ("time", "group_time"):
        moments = row_moments(_named(times))
        starts = first_moments(moments, group_codes(_named(groups))) if kind == "group_time" else None
        folds = folds_in_time(moments, n_folds=n_folds, starts=starts)
    else:
        ranks = _ranks(len(y), keys=None, seed=seed)
        dealt = [_fold_of_rows(y, kind, n_folds=n_folds, ranks=ranks, groups=groups)]
        if kind != "group":
            more = [np.random.default_rng((seed, repeat)).permutation(len(y)) for repeat in range(1, n_repeats)]
            dealt += [_fold_of_rows(y, kind, n_folds=n_folds, ranks=ranks, groups=None) for ranks in more]
        folds = [(np.flatnonzero(p != fold), np.flatnonzero(p == fold)) for p in dealt for fold in range(n_folds)]
    n_classes = len(np.unique(y))
    usable = [(train, valid) for train, valid in folds if len(valid) and len(np.unique(y[train])) == n_classes]
    if not usable:
        raise DataError(
            f"{len(y)} rows cannot be cross-validated by {kind}: every fold would train without a class",
            where="train.n_folds",
            hint="use more rows, another split.kind, or train.validation: holdout",
        )
    return tuple(usable)


def _fold_of_rows(
    y: NDArray[np.int64], kind: str, *, n_folds: int, ranks: NDArray[np.int64], groups: pa.ChunkedArray | None
) -> NDArray[np.int64]:
    """Return the fold that validates each row, -1 for rows that always train."""
    if kind == "group":
        codes = group_codes(_named(groups))
        n_parts = min(n_folds, int(codes.max()) + 1)
        return parts_by_group(codes, y, ranks=ranks, shares=np.full(n_parts, 1 / n_parts))
    parts = stratified_folds(y if kind == "stratified" else np.zeros_like(y), n_folds=n_folds, ranks=ranks)
    return np.where(np.bincount(y)[y] == 1, -1, parts)


def split_shares(section: SplitSection, *, has_test: bool) -> Shares:
    """Return the share of each split.

    Raises
    ------
    mltrain.errors.ConfigError
        Nothing is left to train on.
    """
    test = 0.0 if has_test else section.test_size
    default = 0.25 if has_test else 0.2
    validation = default if section.validation_size is None else section.validation_size
    train = 1.0 - test - validation - section.calibration_size
    if train < NOTHING:
        raise ConfigError(
            f"test, validation and calibration take {1 - train:g} of the rows and leave none to train on",
            where="split",
            hint="lower split.test_size, split.validation_size or split.calibration_size",
        )
    return Shares(train=train, validation=validation, calibration=section.calibration_size, test=test)


def _ranks(n_rows: int, *, keys: pa.ChunkedArray | None, seed: int) -> NDArray[np.int64]:
    """Return a random order of rows, shape (n_rows,); with keys it depends on them, not on where rows stand."""
    if keys is None:
        return np.random.default_rng(seed).permutation(n_rows)
    if is_missing(keys).any():
        raise DataError("a key is missing", where="split.key_column", hint="name a column that is always filled")
    texts = as_text(keys).to_pandas().astype(object)
    n_repeated = int(texts.duplicated().sum())
    if n_repeated:
        raise DataError(
            f"{n_repeated} keys occur more than once",
            where="split.key_column",
            hint="name a column that identifies a row; a customer belongs in split.group_column",
        )
    hashed = pd.util.hash_array(texts.to_numpy(), hash_key=f"{seed:016d}", categorize=False)
    ranks = np.empty(n_rows, dtype=np.int64)
    ranks[np.argsort(hashed, kind="stable")] = np.arange(n_rows)
    return ranks


def _named(column: pa.ChunkedArray | None) -> pa.ChunkedArray:
    """Return a column that the config has made sure of."""
    assert column is not None, "the config names this column"
    return column


def _empty_split(name: str, section: SplitSection, *, n_rows: int) -> DataError:
    """Return the error for a split without rows."""
    hints = {
        "group": "there are too few groups, or one of them is too large",
        "time": "check the cut-off dates, or whether most rows share one moment",
        "group_time": "too few groups start late enough; split.kind time lets groups sit on both sides",
    }
    hint = hints.get(section.kind, f"raise split.{name}_size, or use more rows")
    return DataError(f"split {name!r} would have none of the {n_rows} rows", where="split", hint=hint)
