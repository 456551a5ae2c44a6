"""Rows of a source, whole or some at a time, whether they are in memory or on a disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

import pyarrow as pa
import pyarrow.dataset as ds

from mltrain.data import Rows
from mltrain.data.fragments import fragment_batches, reads_fragments
from mltrain.data.read_faults import read_faults
from mltrain.data.remote import scheme_of
from mltrain.errors import DataError, EnvironmentRefusal
from mltrain.memory import room_left

BATCH_ROWS = 131_072
BATCH_CELLS = 2**22
_AHEAD = 2


def batch_rows(n_columns: int, *, most_rows: int = BATCH_ROWS, most_cells: int | None = None) -> int:
    """Return how many rows of so many columns pass at a time: a batch is some 30 MB however wide the table is.

    Examples
    --------
    >>> batch_rows(20), batch_rows(5_000)
    (131072, 838)
    """
    return max(1, min(most_rows, (most_cells or BATCH_CELLS) // max(n_columns, 1)))


def as_table(rows: Rows, *, origin: str, held_bytes: int = 0) -> pa.Table:
    """Return all rows in memory.

    Parameters
    ----------
    rows : pyarrow.Table or pyarrow.dataset.Dataset
    origin : str
        What the user named, for messages.
    held_bytes : int
        What is in memory already for the same purpose: all together may take 70 % of what was free.

    Raises
    ------
    mltrain.errors.DataError
        A file cannot be read; names it.
    mltrain.errors.EnvironmentRefusal
        They do not fit; says how much they need and how much there is.
    """
    if isinstance(rows, pa.Table):
        return rows
    room, n_bytes = room_left(held_bytes=held_bytes), 0
    batches: list[pa.RecordBatch] = []
    for batch in iter_batches(rows, origin=origin):
        batches.append(batch)
        n_bytes += batch.nbytes
        if n_bytes > room:
            n_read, n_rows = sum(part.num_rows for part in batches), count_rows(rows, origin=origin)
            raise too_large(f"{n_rows:,} rows", n_bytes / n_read * n_rows, room, origin=origin)
    return pa.Table.from_batches(batches, schema=rows.schema)


def iter_batches(
    rows: Rows, *, origin: str, columns: Sequence[str] | None = None, most_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield rows in source order, some at a time; nothing is yielded where there are none.

    Parameters
    ----------
    columns : sequence of str, optional
        Read these alone, in this order; by default all.
    most_rows : int
        Rows that a batch holds at most; fewer where there are many columns, see `batch_rows`.

    Raises
    ------
    mltrain.errors.DataError
        A file cannot be read; names it.
    """
    wanted = list(rows.schema.names if columns is None else columns)
    size = batch_rows(len(wanted), most_rows=most_rows)
    if isinstance(rows, pa.Table):
        yield from rows.select(wanted).to_batches(max_chunksize=size)
        return
    with naming_the_file(rows, wanted, origin=origin):
        yield from (batch for batch in _scan(rows, wanted, batch_rows=size) if batch.num_rows)


def count_rows(rows: Rows, *, origin: str) -> int:
    """Return the number of rows; of Parquet and Arrow files by what they say of themselves.

    Raises
    ------
    mltrain.errors.DataError
        A file cannot be read; names it.
    """
    if isinstance(rows, pa.Table):
        return int(rows.num_rows)
    with naming_the_file(rows, [], origin=origin):
        return int(rows.count_rows())


def naming_the_file(rows: ds.Dataset, columns: Sequence[str], *, origin: str) -> AbstractContextManager[None]:
    """Return what turns errors while these columns are read into ones that name the file; see `read_faults`."""
    unreadable = partial(_unreadable, rows, columns, origin=origin)
    return read_faults(origin, is_remote=scheme_of(origin) is not None, unreadable=unreadable)


def too_large(what: str, needed_bytes: float, room_bytes: int, *, origin: str) -> EnvironmentRefusal:
    """Return the error for what does not fit into memory, ``what`` it is in the plural."""
    needed, room = f"{needed_bytes / 1e9:.1f} GB", f"{max(room_bytes, 0) / 1e9:.1f} GB"
    return EnvironmentRefusal(
        f"{what} need about {needed} of memory, and {room} are left for them",
        where=origin,
        hint="what features are joined to, and the tables joined, is held in memory: fewer columns or rows, "
        "or a larger machine",
    )


def _scan(rows: ds.Dataset, columns: Sequence[str], *, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield batches of a dataset, few of them ahead: by default Arrow keeps tens in memory."""
    if reads_fragments(rows):
        for fragment in rows.get_fragments():
            yield from fragment_batches(fragment, rows.schema, columns=columns, batch_rows=batch_rows)
        return
    # Not by name alone: a scanner would take the dot in a name for a path into a nested column.
    named = {name: ds.field((name,)) for name in columns} if any("." in name for name in columns) else list(columns)
    yield from rows.to_batches(columns=named, batch_size=batch_rows, batch_readahead=_AHEAD, fragment_readahead=1)


def _unreadable(rows: ds.Dataset, columns: Sequence[str], error: Exception, *, origin: str) -> DataError:
    """Return the error for the first file that cannot be read through."""
    reason = " ".join(str(error).rstrip(".").split())
    hint = "it may be cut off or of another format than its name says: write it again"
    return DataError(f"not readable: {reason}", where=_first_broken(rows, columns) or origin, hint=hint)


def _first_broken(rows: ds.Dataset, columns: Sequence[str]) -> str | None:
    """Return the path of the first file whose rows cannot be read, None where there are no files."""
    for fragment in rows.get_fragments():
        try:
            for _ in fragment.to_batches(columns=list(columns), schema=rows.schema):
                pass
        except (pa.ArrowException, OSError):
            return getattr(fragment, "path", None)
    return None
