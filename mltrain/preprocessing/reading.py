"""Arrow columns as NumPy arrays: numbers, parts of dates and category codes, without row-by-row Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.preprocessing.features import Part

_LARGEST = float(np.finfo(np.float32).max)
_DAY = 86_400_000_000
_HOUR = 3_600_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoryColumn:
    """A category column as it stands in a table.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,), int64
        Positions in ``levels``; -1 where missing.
    """

    codes: NDArray[np.int64]
    levels: tuple[str | None, ...]

    def translate(self, meaning: Mapping[str, int], *, otherwise: int) -> NDArray[np.int64]:
        """Return each row's ``meaning``, and ``otherwise`` for the missing and the unknown."""
        return np.asarray(self._table(meaning, otherwise), dtype=np.int64)[self.codes]

    def translate_to_floats(self, meaning: Mapping[str, int], *, otherwise: float) -> NDArray[np.float32]:
        """Return each row's ``meaning``, and ``otherwise`` for the missing and the unknown, as float32."""
        return np.asarray(self._table(meaning, otherwise), dtype=np.float32)[self.codes]

    def _table(self, meaning: Mapping[str, int], otherwise: float) -> list[float]:
        """Return the meaning of each level, and last that of a missing one, which has the code -1."""
        return [
            *(meaning.get(level, otherwise) if level is not None else otherwise for level in self.levels),
            otherwise,
        ]


def read_number(column: pa.ChunkedArray, part: Part = "value") -> NDArray[np.float64]:
    """Return a number, a boolean or one part of a date; NaN where missing, infinite or beyond float32.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if part != "value":
        return _date_part(column, part)
    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return np.where(np.abs(values) <= _LARGEST, values, np.nan)


def read_plain(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return what `read_number` does, as float32 and in fewer passes; shape (n_samples,)."""
    is_float = pa.types.is_float32(column.type) or pa.types.is_float64(column.type)
    values = (column if is_float else column.cast(pa.float64())).to_numpy()
    with np.errstate(over="ignore"):
        short: NDArray[np.float32] = values.astype(np.float32, copy=False)
    # Infinite, too large, or rounded to the largest number there is: the slow way tells which.
    return read_number(column).astype(np.float32) if (np.abs(short) >= _LARGEST).any() else short


def read_category(column: pa.ChunkedArray) -> CategoryColumn:
    """Return the codes and levels of a category column."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    array = encoded.unify_dictionaries().combine_chunks()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return CategoryColumn(codes=codes, levels=tuple(array.dictionary.to_pylist()))


def _date_part(column: pa.ChunkedArray, part: Part) -> NDArray[np.float64]:
    stamps = column.cast(pa.timestamp("us")).cast(pa.int64())
    missing = pc.is_null(stamps).to_numpy()
    microseconds: NDArray[np.int64] = pc.fill_null(stamps, 0).to_numpy()
    return np.where(missing, np.nan, _part_of(microseconds, part))


def _part_of(microseconds: NDArray[np.int64], part: Part) -> NDArray[np.generic]:
    days = microseconds // _DAY
    if part == "days":
        return np.asarray(microseconds / _DAY)
    if part == "hour":
        return np.asarray(microseconds // _HOUR % 24)
    if part == "weekday":
        return np.asarray((days + 3) % 7)  # 1970-01-01 was a Thursday; Monday is 0
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    if part == "day":
        return np.asarray((dates - months.astype("datetime64[D]")).astype(np.int64) + 1)
    if part == "month":
        return np.asarray(months.astype(np.int64) % 12 + 1)
    return np.asarray(dates.astype("datetime64[Y]").astype(np.int64) + 1970)
