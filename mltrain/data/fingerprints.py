"""Fingerprints of rows that pass by: names, types and values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data.text import decoded, is_text


class Fingerprint:
    """The fingerprint of rows that are added some at a time; how many at a time makes no difference.

    It is the sha256 over names, types and values: the same rows in the same order give the same text. Chunks,
    dictionary encoding, the width of text offsets and what lies under nulls make no difference.

    Parameters
    ----------
    schema : pyarrow.Schema
        The columns that all rows have.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._n_rows = 0
        self._columns = {name: _ColumnDigest() for name in schema.names}
        self._kinds = {field.name: _kind(field.type) for field in schema}

    def add(self, rows: pa.Table) -> None:
        """Add the rows that come next."""
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            self._columns[name].add(decoded(column), first_row=self._n_rows)
        self._n_rows += rows.num_rows

    def hexdigest(self) -> str:
        """Return the fingerprint of all rows so far."""
        digest = hashlib.sha256(f"{self._n_rows}".encode())
        for name, column in self._columns.items():
            digest.update(f"\x1e{name}\x1f{self._kinds[name]}\x1f".encode())
            digest.update(column.digest())
        return digest.hexdigest()


@dataclass(slots=True)
class _ColumnDigest:
    """A column: where it is null, its values with nulls as zero or as empty text, and how long the texts are."""

    nulls: hashlib._Hash = field(default_factory=hashlib.sha256)
    values: hashlib._Hash = field(default_factory=hashlib.sha256)
    lengths: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, column: pa.ChunkedArray, *, first_row: int) -> None:
        """Add rows, the first of which is this one."""
        if column.null_count:
            self.nulls.update((np.flatnonzero(pc.is_null(column).to_numpy()) + first_row).data)
        numbers = _as_numbers(column)
        if numbers is not None:
            self.values.update(np.ascontiguousarray(numbers).view(np.uint8).data)
            return
        texts = _as_large_text(column)
        lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy()
        self.lengths.update(np.ascontiguousarray(lengths, dtype=np.int64).view(np.uint8).data)
        for chunk in (pc.fill_null(texts, "") if texts.null_count else texts).chunks:
            _, offsets, data = chunk.buffers()
            bounds = np.frombuffer(offsets, dtype=np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
            if len(bounds) and data is not None:
                self.values.update(memoryview(data)[int(bounds[0]) : int(bounds[-1])])

    def digest(self) -> bytes:
        """Return all three as one."""
        return self.nulls.digest() + self.values.digest() + self.lengths.digest()


def _kind(kind: pa.DataType) -> str:
    """Return the name of a type, one for all that hold text."""
    if is_text(kind):
        return "text"
    return _kind(kind.value_type) if pa.types.is_dictionary(kind) else str(kind)


def _as_numbers(values: pa.ChunkedArray) -> np.ndarray | None:
    """Return numbers, truth values and moments as a numpy array without nulls; None for other types."""
    types, kind = pa.types, values.type
    if types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif types.is_date32(kind) or types.is_time32(kind):
        values = values.cast(pa.int32())
    elif types.is_temporal(kind) and not types.is_interval(kind):
        values = values.cast(pa.int64())
    elif not (types.is_integer(kind) or types.is_floating(kind)):
        return None
    filled = pc.fill_null(values, pa.scalar(0, values.type)) if values.null_count else values
    return np.asarray(filled.to_numpy())


def _as_large_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return other values as text; nested ones as Python writes them."""
    try:
        return values.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        written = [None if value is None else repr(value) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(written, pa.large_string())])
