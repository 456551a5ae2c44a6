"""One file of a split being written: rows come some at a time, and go to the disk in row groups or sorted by key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mltrain.commands.split.buckets import Buckets, sorted_by_last
from mltrain.data.fingerprints import Fingerprint
from mltrain.splitting.keys import mixed

ROW_GROUP_BYTES = 2**25
MOST_ROWS = 2**20
FEWEST_ROWS = 2**10
MOST_LEVELS = 2**15
MOST_FILES = 192
"""Open at once in all splits together: a shell often allows 256, in which other files have their place."""
_TEXT_BYTES = 16
_NESTED_BYTES = 64
_SCATTER = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenPart:
    """A file of rows, not yet at its place."""

    path: Path
    rows: int
    fingerprint: str


class Part(Protocol):
    """Where the rows of one split go."""

    def add(self, rows: pa.RecordBatch, keys: NDArray[np.uint64] | None) -> None:
        """Take the rows that come next, with the hashes of their keys where there are some."""
        ...

    def finish(self) -> WrittenPart:
        """Write what is left and return the file."""
        ...


class PartInOrder:
    """Rows in the order in which they come, in row groups of one size whatever the batches are."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._group_rows = row_group_rows(schema)
        self._writer: pq.ParquetWriter | None = None
        self._fingerprint = Fingerprint(schema)
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        self._n_rows = 0

    def add(self, rows: pa.RecordBatch, keys: NDArray[np.uint64] | None = None) -> None:  # noqa: ARG002 - they change nothing
        """Take the rows that come next."""
        self._fingerprint.add(pa.table(rows))
        self._waiting.append(rows)
        self._n_waiting += rows.num_rows
        while self._n_waiting >= self._group_rows:
            self._write(self._group_rows)

    def finish(self) -> WrittenPart:
        """Write what is left and return the file."""
        if self._n_waiting:
            self._write(self._n_waiting)
        assert self._writer is not None, "no split is empty"
        self._writer.close()
        return WrittenPart(
            path=self._path,
            rows=self._n_rows,
            fingerprint=self._fingerprint.hexdigest(),
        )

    def _write(self, n_rows: int) -> None:
        """Write a row group of the rows that have waited longest."""
        table = pa.Table.from_batches(self._waiting, schema=self._schema)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, self._schema, use_dictionary=_with_few_values(table))
        self._writer.write_table(table.slice(0, n_rows).unify_dictionaries(), row_group_size=n_rows)
        self._waiting = table.slice(n_rows).to_batches()
        self._n_waiting -= n_rows
        self._n_rows += n_rows


class PartByKey:
    """Rows in the order of the hashes of their keys, sorted on the disk where they are many.

    Hashes are scattered anew first: those of one split of a hash split are all from one range.
    """

    def __init__(
        self, part: PartInOrder, schema: pa.Schema, *, n_rows: int, folder: Path, most_files: int = MOST_FILES
    ) -> None:
        self._part = part
        self._schema = schema.append(pa.field(_unused(schema), pa.uint64()))
        self._in_memory: list[pa.RecordBatch] = []
        fitting = row_group_rows(schema)
        self._buckets: Buckets | None = None
        if n_rows >= fitting:
            self._buckets = Buckets(self._schema, n_rows=n_rows, fitting=fitting, folder=folder, most_files=most_files)

    def add(self, rows: pa.RecordBatch, keys: NDArray[np.uint64] | None) -> None:
        """Take the rows that come next, with the hashes of their keys."""
        assert keys is not None, "rows are sorted by their keys"
        columns = [*rows.columns, pa.array(mixed(keys, seed=_SCATTER))]
        keyed = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        if self._buckets is None:
            self._in_memory.append(keyed)
        else:
            self._buckets.add(keyed)

    def finish(self) -> WrittenPart:
        """Sort bucket after bucket and return the file."""
        for table in self._tables():
            for batch in table.drop_columns(self._schema.names[-1:]).combine_chunks().to_batches():
                self._part.add(batch)
        return self._part.finish()

    def _tables(self) -> Iterator[pa.Table]:
        """Yield all rows in the order of the hashes."""
        if self._buckets is None:
            yield sorted_by_last(pa.Table.from_batches(self._in_memory, schema=self._schema))
        else:
            yield from self._buckets.sorted_tables()


def _with_few_values(table: pa.Table) -> list[str]:
    """Return the columns that a dictionary makes smaller.

    Arrow would try one on every column and give up after a megabyte of values, in each row group anew: on numbers that
    all differ this costs twice what writing them does.
    """
    few = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type) or (
            not pa.types.is_nested(column.type) and len(column.slice(0, 4 * MOST_LEVELS).unique()) <= MOST_LEVELS
        ):
            few.append(name)
    return few


def row_group_rows(schema: pa.Schema) -> int:
    """Return how many rows make a row group of about 32 MB, by the types of their columns alone."""
    width = sum(_width(field.type) for field in schema)
    return int(min(MOST_ROWS, max(FEWEST_ROWS, ROW_GROUP_BYTES // max(width, 1))))


def _width(kind: pa.DataType) -> float:
    """Return about how many bytes a value takes in memory."""
    if pa.types.is_nested(kind):
        return _NESTED_BYTES
    try:
        return float(kind.bit_width) / 8
    except ValueError:
        return _TEXT_BYTES


def _unused(schema: pa.Schema) -> str:
    """Return a column name that the schema does not have."""
    name = "key"
    while name in schema.names:
        name += "_"
    return name
