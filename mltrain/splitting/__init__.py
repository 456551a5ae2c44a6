"""Which rows go where: train, validation, calibration and test, and folds inside train + validation.

Knows class codes, groups and moments; tables, files and labels are not its business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.config import SplitSection
from mltrain.data.text import group_codes
from mltrain.errors import ConfigError, DataError
from mltrain.splitting.chronology import (
    Moments,
    first_moments,
    folds_in_time,
    parts_by_time,
    row_moments,
    split_cuts,
)
from mltrain.splitting.keys import Hashes
from mltrain.splitting.partition import (
    NOWHERE,
    Codes,
    Parts,
    parts_by_group,
    parts_by_hash,
    parts_by_stratum,
    stratified_folds,
)

__all__ = ["NOWHERE", "Assignment", "Shares", "assign_rows", "make_folds", "split_shares"]

Positions = NDArray[np.intp]
Column = TypeVar("Column", Codes, Moments, Hashes, pa.ChunkedArray)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """Which split each row is in.

    Attributes
    ----------
    names : tuple of str
        ``train``, ``validation`` and, where asked for, ``calibration`` and ``test``.
    parts : ndarray of shape (n_samples,)
        Number of the row's split in ``names``, `NOWHERE` for rows that are kept out.
    """

    names: tuple[str, ...]
    parts: Parts

    def positions(self, name: str) -> Positions:
        """Return the rows of one split, ascending."""
        return np.flatnonzero(self.parts == self.names.index(name))


def assign_rows(
    y: Codes,
    section: SplitSection,
    *,
    seed: int,
    groups: Codes | None = None,
    moments: Moments | None = None,
    keys: Hashes | None = None,
    has_test: bool = False,
) -> Assignment:
    """Divide rows into splits.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class codes.
    section : SplitSection
        The kind of split, shares and cut-offs.
    groups, moments, keys : ndarray of shape (n_samples,), optional
        What `group_codes`, `row_moments` and `hash_keys` make of the columns that the section names. For a ``hash``
        split ``keys`` are those of the groups where there are some.
    has_test : bool
        Test rows come from elsewhere: all of these are for train, validation and calibration.

    Returns
    -------
    Assignment
        No row is in two splits. Every row is in one, except that ``group_time`` keeps out what a group of one
        split does in the time of a later one.

    Raises
    ------
    mltrain.errors.DataError
        A split would be empty.
    mltrain.errors.ConfigError
        The shares leave nothing to train on.
    """
    shares = split_shares(section, has_test=has_test).named()
    names, sizes = tuple(shares), np.array(list(shares.values()))
    if section.kind in ("time", "group_time"):
        moments = _named(moments)
        starts = first_moments(moments, _named(groups)) if section.kind == "group_time" else None
        cuts = split_cuts(moments if starts is None else starts, section, names=names, shares=sizes)
        parts = parts_by_time(moments, cuts, starts=starts)
    elif section.kind == "hash":
        parts = parts_by_hash(_named(keys), shares=sizes)
    elif section.kind == "group":
        codes = _named(groups)
        parts = parts_by_group(codes, y, ranks=_group_ranks(codes, keys=keys, seed=seed), shares=sizes)
    else:
        strata = y if section.kind == "stratified" else np.zeros_like(y)
        parts = parts_by_stratum(strata, ranks=_ranks(len(y), keys=keys, seed=seed), shares=sizes)
    for name, n_rows in zip(names, np.bincount(parts, minlength=len(names)), strict=False):
        if n_rows == 0:
            raise _empty_split(name, section, n_rows=len(y))
    return Assignment(names=names, parts=parts)


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
        As ``split.kind``; a hash split has folds by group where there are groups, else stratified ones. Stratified,
        random and group: every row is validated once, except rows without which a fold would train without their
        class: they always train. Time and group_time: each fold validates rows that follow those it trains on.
    n_folds : int
        Folds asked for; fewer where there are too few groups, moments or rows, and folds in time that would train
        without one of the classes are left out.
    n_repeats : int
        How often all rows are dealt anew, for stratified and random folds; those of the first repeat come first and
        are the same however many follow.

    Raises
    ------
    mltrain.errors.DataError
        No fold can be made.
    """
    if kind == "hash":
        kind = "stratified" if groups is None else "group"
    if kind in ("time", "group_time"):
        moments = row_moments(_named(times))
        starts = first_moments(moments, group_codes(_named(groups))) if kind == "group_time" else None
        folds = folds_in_time(moments, n_folds=n_folds, starts=starts)
    else:
        if kind == "group":
            dealt = [_fold_of_groups(y, group_codes(_named(groups)), n_folds=n_folds, seed=seed)]
        else:
            ranks = [_ranks(len(y), keys=None, seed=seed)]
            ranks += [np.random.default_rng((seed, repeat)).permutation(len(y)) for repeat in range(1, n_repeats)]
            dealt = [_fold_of_rows(y, kind, n_folds=n_folds, ranks=order) for order in ranks]
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


def _fold_of_groups(y: NDArray[np.int64], codes: Codes, *, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold that validates each row with its group, -1 for rows that always train."""
    ranks = _group_ranks(codes, keys=None, seed=seed)
    n_parts = min(n_folds, len(ranks))
    parts = parts_by_group(codes, y, ranks=ranks, shares=np.full(n_parts, 1 / n_parts)).astype(np.int64)
    return _always_in_training(parts, y, codes)


def _fold_of_rows(y: NDArray[np.int64], kind: str, *, n_folds: int, ranks: Codes) -> NDArray[np.int64]:
    """Return the fold that validates each row, -1 for rows that always train."""
    # Of a class with fewer rows than folds, random folds might hold all rows in one, and then none would train on it.
    strata = y if kind == "stratified" else np.where(np.bincount(y)[y] < n_folds, y + 1, 0)
    parts = stratified_folds(strata, n_folds=n_folds, ranks=ranks)
    return _always_in_training(parts, y, np.arange(len(y), dtype=np.int32))


def _always_in_training(parts: NDArray[np.int64], y: NDArray[np.int64], groups: Codes) -> NDArray[np.int64]:
    """Return the folds with -1 for the groups that hold all rows of some class, where one fold has them all."""
    n_parts, n_classes = int(parts.max(initial=-1)) + 1, int(y.max()) + 1
    counts = np.bincount((parts + 1) * n_classes + y, minlength=(n_parts + 1) * n_classes).reshape(-1, n_classes)
    alone = np.flatnonzero((counts[0] == 0) & (np.count_nonzero(counts[1:], axis=0) == 1))
    if not len(alone):
        return parts
    kept = np.zeros(int(groups.max()) + 1, dtype=np.bool_)
    kept[groups[np.isin(y, alone)]] = True
    return np.where(kept[groups], -1, parts)


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


def _ranks(n_rows: int, *, keys: Hashes | None, seed: int) -> Codes:
    """Return a random order of rows, shape (n_rows,); with keys it depends on them, not on where rows stand."""
    if keys is not None:
        return keys
    ranks: Codes = np.arange(n_rows, dtype=np.int32 if n_rows < 2**31 else np.int64)
    np.random.default_rng(seed).shuffle(ranks)
    return ranks


def _group_ranks(groups: Codes, *, keys: Hashes | None, seed: int) -> Codes:
    """Return a random order of groups, shape (n_groups,); with keys a group stands where its first row stands."""
    n_groups = int(groups.max(initial=-1)) + 1
    if keys is None:
        return _ranks(n_groups, keys=None, seed=seed)
    first = np.full(n_groups, np.iinfo(keys.dtype).max, dtype=keys.dtype)
    np.minimum.at(first, groups, keys)
    return first


def _named(values: Column | None) -> Column:
    """Return a column that the config has made sure of."""
    assert values is not None, "the config names this column"
    return values


def _empty_split(name: str, section: SplitSection, *, n_rows: int) -> DataError:
    """Return the error for a split without rows."""
    hints = {
        "hash": "use more rows, or kind stratified: a hash knows no exact shares",
        "group": "there are too few groups, or one of them is too large",
        "time": "check the cut-off dates, or whether most rows share one moment",
        "group_time": "too few groups start late enough; split.kind time lets groups sit on both sides",
    }
    hint = hints.get(section.kind, f"raise split.{name}_size, or use more rows")
    return DataError(f"split {name!r} would have none of the {n_rows} rows", where="split", hint=hint)
