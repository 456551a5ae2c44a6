"""Keys of two tables as one number a row, and times of several columns in one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data.moments import Unit, as_moments, require_moments
from mltrain.data.text import decoded, is_missing, is_text
from mltrain.errors import DataError

NO_KEY = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyCodes:
    """A number for each row of two tables: equal where all keys are equal, `NO_KEY` where one is missing."""

    labels: NDArray[np.int64]
    dated: NDArray[np.int64]


def key_codes(labels: pa.Table, dated: pa.Table, keys: Mapping[str, str], *, origin: str) -> KeyCodes:
    """Return the number of each row's keys.

    Parameters
    ----------
    keys : mapping of str to str
        Column of ``labels`` to column of ``dated``.
    origin : str
        What the user calls ``dated``, for messages.

    Raises
    ------
    mltrain.errors.DataError
        Two columns hold values that can never be equal, such as text and numbers.
    """
    n_labels = labels.num_rows
    codes = np.zeros(n_labels + dated.num_rows, dtype=np.int64)
    missing = np.zeros(len(codes), dtype=np.bool_)
    for label_key, dated_key in keys.items():
        column = _one_above_the_other(labels.column(label_key), dated.column(dated_key), (label_key, dated_key), origin)
        values = column.combine_chunks().dictionary_encode()
        indices = values.chunk(0).indices if isinstance(values, pa.ChunkedArray) else values.indices
        missing |= np.asarray(pc.is_null(indices).to_numpy(zero_copy_only=False))
        ranks = pc.fill_null(indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
        codes = ranks if not codes.any() else pd.factorize(codes * (int(ranks.max(initial=0)) + 1) + ranks)[0]
    codes = np.where(missing, NO_KEY, codes)
    return KeyCodes(labels=codes[:n_labels], dated=codes[n_labels:])


def common_unit(columns: Sequence[pa.ChunkedArray]) -> Unit:
    """Return the unit in which no time loses anything: nanoseconds where some column has them."""
    kinds = [decoded(column).type for column in columns]
    return "ns" if any(pa.types.is_timestamp(kind) and kind.unit == "ns" for kind in kinds) else "us"


def times_of(column: pa.ChunkedArray, unit: Unit, *, where: str) -> pa.ChunkedArray:
    """Return times since 1970 in UTC as whole numbers, missing ones as nulls.

    Raises
    ------
    mltrain.errors.DataError
        The column holds something else than times.
    """
    return require_moments(column, unit, where=where).cast(pa.int64())


def required_times(column: pa.ChunkedArray, unit: Unit, *, where: str) -> NDArray[np.int64]:
    """Return the time of each row.

    Raises
    ------
    mltrain.errors.DataError
        The column holds something else than times, or a row has none.
    """
    times = times_of(column, unit, where=where)
    missing = is_missing(times)
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} rows have no time",
            where=f"{where}, row {int(missing.argmax()) + 1}",
            hint="fill or remove these rows: nobody can say what was known then",
        )
    return np.asarray(times.to_numpy(), dtype=np.int64)


def _one_above_the_other(
    above: pa.ChunkedArray, below: pa.ChunkedArray, names: tuple[str, str], origin: str
) -> pa.ChunkedArray:
    """Return one key of both tables in one column."""
    columns = [_as_key(above), _as_key(below)]
    kinds = [column.type for column in columns]
    if pa.types.is_null(kinds[0]) or pa.types.is_null(kinds[1]):
        kind = kinds[1] if pa.types.is_null(kinds[0]) else kinds[0]
    elif kinds[0] == kinds[1]:
        kind = kinds[0]
    else:
        raise DataError(
            f"key {names[0]!r} is {above.type} and {names[1]!r} of {origin} is {below.type}: they can never be equal",
            where=f"{origin}, column {names[1]!r}",
            hint="write both tables with one type of key",
        )
    return pa.chunked_array([chunk for column in columns for chunk in column.cast(kind).chunks], kind)


def _as_key(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return keys in the one type of their sort: whole numbers, text, truth values or moments."""
    values, types = decoded(column), pa.types
    if is_text(values.type):
        return values.cast(pa.large_string())
    if types.is_floating(values.type):
        # A column of whole numbers that pandas filled with NaN where one was missing.
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values.cast(pa.float64())
    if types.is_integer(values.type):
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values
    return as_moments(values) if types.is_date(values.type) or types.is_timestamp(values.type) else values
