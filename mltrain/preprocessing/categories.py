"""How categories become codes or 0/1 columns, decided from training counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.models import ViewKind
from mltrain.preprocessing.features import Codes, Level
from mltrain.preprocessing.reading import CategoryColumn


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelCounts:
    """How often each level of a category occurs in training rows; levels sorted, each at least once."""

    levels: tuple[str, ...]
    counts: tuple[int, ...]
    n_missing: int

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return sum(self.counts) + self.n_missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """Which levels keep a place of their own and which share one; both sorted."""

    levels: tuple[str, ...]
    pooled: tuple[str, ...]


def count_levels(column: CategoryColumn) -> LevelCounts:
    """Return the counts of the levels that occur."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
    found = sorted((lv, int(n)) for lv, n in zip(column.levels, counts, strict=True) if lv is not None and n)
    n_missing = column.codes.size - sum(n for _, n in found)
    return LevelCounts(levels=tuple(lv for lv, _ in found), counts=tuple(n for _, n in found), n_missing=n_missing)


def make_book(counted: LevelCounts, *, most: int, least_rows: int = 1) -> Book:
    """Keep the ``most`` frequent levels that have ``least_rows`` rows; equal counts in sorted order."""
    ranked = sorted(zip(counted.levels, counted.counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    kept = {level for level, n in ranked[:most] if n >= least_rows}
    return Book(
        levels=tuple(level for level in counted.levels if level in kept),
        pooled=tuple(level for level in counted.levels if level not in kept),
    )


def codes_feature(kind: ViewKind, source: str, *, book: Book) -> Codes:
    """Return the feature of codes; the ordinal view has one more for the missing and the unseen."""
    n_codes = len(book.levels) + bool(book.pooled)
    missing_code = n_codes if kind == "ordinal" else None
    return Codes(name=source, source=source, levels=book.levels, pooled=book.pooled, missing_code=missing_code)


def level_features(source: str, *, book: Book, n_missing: int) -> tuple[Level, ...]:
    """Return one 0/1 feature per kept level, one for the pooled levels and one for missing values."""
    features = [Level(name=f"{source}_is_{level}", source=source, values=(level,)) for level in book.levels]
    if book.pooled:
        features.append(Level(name=f"{source}_is_rare", source=source, values=book.pooled))
    if n_missing:
        features.append(Level(name=f"{source}_is_missing", source=source, missing=True))
    return tuple(features)


def largest_variance(counted: LevelCounts) -> float:
    """Return the largest variance that one level, or being missing, has as a 0/1 column."""
    shares: NDArray[np.float64] = np.asarray([*counted.counts, counted.n_missing]) / max(counted.n_samples, 1)
    return float((shares * (1 - shares)).max())


def level_variance(level: Level, counted: LevelCounts) -> float:
    """Return the variance of a 0/1 feature over the training rows."""
    own = set(level.values)
    hits = sum(n for value, n in zip(counted.levels, counted.counts, strict=True) if value in own)
    share = (hits + (counted.n_missing if level.missing else 0)) / max(counted.n_samples, 1)
    return share * (1 - share)
