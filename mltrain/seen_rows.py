"""Which rows a model was developed on, as hashes kept with it: whether it may be judged on given rows later.

A fingerprint of the split would say that the rows are others, not which: of a table that has grown, or was split with
another seed, some test rows are new to the model and most are not. What to make of that is not decided here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.data import Schema
from mltrain.data.conforming import conform
from mltrain.errors import DataError
from mltrain.splitting.keys import Hashes, hash_keys, mixed

FORMAT = 1
MOST_HASHES = 100_000  # half a megabyte as JSON; of more rows those whose hash says so
MOST_BYTES = 2 * 4 * MOST_HASHES + 10_000  # in base64, with room for the rest of the document

_ALL = 2**32
_LOW = np.uint64(_ALL - 1)
_WIDTH = np.uint64(32)
_STORED = np.dtype("<u4")


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenRows:
    """The rows that a model learnt from, was chosen on or was calibrated on.

    Attributes
    ----------
    key : str, optional
        The column that names rows; None: rows are told apart by features and target.
    n_rows : int
        All of them.
    bound : int
        From 1 to 2**32: rows count whose hash ends in less than this, whichever side they are on.
    hashes : ndarray of shape (n_kept,), uint32, ascending
        The upper halves of the hashes of those that count. A row that is new has a chance of one in 40,000 at most to
        be taken for one of them.
    """

    key: str | None
    n_rows: int
    bound: int
    hashes: NDArray[np.uint32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recognised:
    """Which of some rows a model was developed on.

    Attributes
    ----------
    is_told : ndarray of bool, shape (n_samples,)
        Rows of which it can be told.
    is_seen : ndarray of bool, shape (n_samples,)
        Rows of these that it was developed on.
    """

    is_told: NDArray[np.bool_]
    is_seen: NDArray[np.bool_]


def hash_rows(table: pa.Table, y: NDArray[np.int64]) -> Hashes:
    """Return a 64-bit hash of the values of each row, the same wherever the row stands; shape (n_samples,).

    Parameters
    ----------
    table : pyarrow.Table
        Rows conformed to the schema of the model in question.
    y : ndarray of shape (n_samples,), class codes

    Notes
    -----
    Numbers count as float32: a table that was written anew with shorter ones is still known.
    """
    hashes = mixed(y.astype(np.uint64), seed=0)
    for position, column in enumerate(table.columns, start=1):
        start = 0
        for chunk in column.chunks:  # not the whole column: a copy would take as much again
            rows = slice(start, start + len(chunk))
            hashes[rows] = mixed(hashes[rows] + _bits(chunk), seed=position)
            start = rows.stop
    return hashes


def note_seen(hashes: Hashes, *, key: str | None) -> SeenRows:
    """Return the record of rows with these hashes; of more than 100,000 about so many stand for all."""
    bound = max(min(_ALL, _ALL * MOST_HASHES // max(len(hashes), 1)), 1)
    kept = np.unique((hashes[_ends_below(hashes, bound)] >> _WIDTH).astype(np.uint32))
    return SeenRows(key=key, n_rows=len(hashes), bound=bound, hashes=kept)


def recognise(seen: SeenRows, table: pa.Table, y: NDArray[np.int64], *, schema: Schema) -> Recognised | None:
    """Say which rows a model was developed on; None where the column that names rows is not there or not filled.

    Parameters
    ----------
    table : pyarrow.Table
        Rows with the columns of the model, and the one that names rows.
    y : ndarray of shape (n_samples,), class codes of the model's target
    schema : Schema
        Of the model.

    Raises
    ------
    mltrain.errors.SchemaError
        The rows lack a feature of the model.
    """
    if seen.key is None:
        hashes = hash_rows(conform(table, schema, origin="the test split"), y)
    elif seen.key not in table.column_names:
        return None
    else:
        try:
            hashes = hash_names(table.column(seen.key))
        except DataError:
            return None
    is_told = _ends_below(hashes, seen.bound)
    is_seen = is_told & np.isin((hashes >> _WIDTH).astype(np.uint32), seen.hashes)
    return Recognised(is_told=is_told, is_seen=is_seen)


def hash_names(keys: pa.ChunkedArray) -> Hashes:
    """Return a hash of each row's key; shape (n_samples,).

    Raises
    ------
    mltrain.errors.DataError
        A key is missing.
    """
    return hash_keys(keys, seed=0, where="split.key_column")


def seen_rows_to_dict(seen: SeenRows) -> dict[str, Any]:
    """Return a record as JSON values."""
    packed = base64.b64encode(seen.hashes.astype(_STORED).tobytes()).decode("ascii")
    return {"format": FORMAT, "key": seen.key, "n_rows": seen.n_rows, "bound": seen.bound, "hashes": packed}


def seen_rows_from_dict(document: Mapping[str, Any]) -> SeenRows:
    """Return the record that `seen_rows_to_dict` wrote; nothing in it is taken on trust.

    Raises
    ------
    ValueError
        It is no such record, of another format, or larger than one can be.
    """
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"seen rows of format {document['format']!r}, not {FORMAT}")
        key, n_rows, bound, packed = (document[name] for name in ("key", "n_rows", "bound", "hashes"))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no record of seen rows: {error!r}") from error
    if not (key is None or isinstance(key, str)) or not isinstance(packed, str) or len(packed) > MOST_BYTES:
        raise ValueError("the key or the hashes of seen rows are not what is written")
    if type(n_rows) is not int or type(bound) is not int or n_rows < 0 or not 1 <= bound <= _ALL:
        raise ValueError(f"seen rows say {n_rows!r} rows and a bound of {bound!r}")
    data = base64.b64decode(packed, validate=True)
    if len(data) % _STORED.itemsize:
        raise ValueError("the hashes of seen rows are cut short")
    return SeenRows(key=key, n_rows=n_rows, bound=bound, hashes=np.frombuffer(data, dtype=_STORED).astype(np.uint32))


def _ends_below(hashes: Hashes, bound: int) -> NDArray[np.bool_]:
    """Return which rows count: by the lower halves of their hashes, which are not kept."""
    return np.asarray((hashes & _LOW) < np.uint64(bound))


def _bits(chunk: pa.Array) -> Hashes:
    """Return 64 bits for each value of a conformed column; all missing ones have the same."""
    if pa.types.is_dictionary(chunk.type):
        levels = np.asarray(chunk.dictionary.to_numpy(zero_copy_only=False), dtype=object)
        hashed = pd.util.hash_array(levels, categorize=False) if len(levels) else np.empty(0, dtype=np.uint64)
        codes = chunk.indices.fill_null(len(levels)).to_numpy(zero_copy_only=False)
        return np.asarray(np.append(hashed, np.uint64(0))[codes])
    if pa.types.is_timestamp(chunk.type):
        moments = chunk.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
        return np.asarray(moments.view(np.uint64))
    numbers = chunk.cast(pa.uint8()) if pa.types.is_boolean(chunk.type) else chunk
    with np.errstate(over="ignore"):
        values = numbers.to_numpy(zero_copy_only=False).astype(np.float32) + np.float32(0)  # -0.0 is 0.0
    values[np.isnan(values)] = np.nan
    return np.asarray(values.view(np.uint32), dtype=np.uint64)
