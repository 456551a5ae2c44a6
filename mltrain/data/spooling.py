"""Rows that a source hands over once, kept to be read again: in memory while they are few, on the disk beyond."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from mltrain import files as disk
from mltrain.data import Rows
from mltrain.data.data_file import DataFile
from mltrain.data.file_dataset import open_dataset
from mltrain.data.locations import find_files
from mltrain.data.stacking import stack_tables, unified_schema

MOST_BYTES = 2**28


def kept(tables: Iterable[pa.Table], *, origin: str) -> Rows:
    """Return all rows, in order, in types that hold the values of all tables.

    Beyond 256 MB they go to a folder of temporary files, which only this user can read and which is removed when the
    rows are no longer needed, or the process ends.

    Parameters
    ----------
    tables : iterable of pyarrow.Table, at least one
    origin : str
        What the user named, for messages.

    Raises
    ------
    mltrain.errors.DataError
        Types differ, and none of them holds the values of all.
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    held, n_bytes = [], 0
    coming = iter(tables)
    for table in coming:
        held.append(table)
        n_bytes += table.nbytes
        if n_bytes > MOST_BYTES:
            return _spooled(chain(held, coming), origin=origin)
    return stack_tables(held, origins=[origin] * len(held))


def _spooled(tables: Iterator[pa.Table], *, origin: str) -> ds.Dataset:
    """Write tables to temporary files and return these."""
    folder = tempfile.TemporaryDirectory(prefix="mltrain-rows-", ignore_cleanup_errors=True)
    try:
        with disk.disk_errors(Path(folder.name)):
            _write(tables, Path(folder.name))
        files = find_files(folder.name)
        unified_schema([_stored_schema(file) for file in files], origins=[origin] * len(files))
        dataset = open_dataset(files, format=ds.ParquetFileFormat(), read_schema=_stored_schema)
    except BaseException:
        folder.cleanup()
        raise
    weakref.finalize(dataset, folder.cleanup)
    return dataset


def _write(tables: Iterator[pa.Table], folder: Path) -> None:
    """Write tables in order, those of one schema to one file."""
    writer: pq.ParquetWriter | None = None
    n_files = 0
    try:
        for table in tables:
            if writer is None or not writer.schema.equals(table.schema):
                if writer is not None:
                    writer.close()
                writer = pq.ParquetWriter(folder / f"{n_files:06}.parquet", table.schema, compression="lz4")
                n_files += 1
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _stored_schema(file: DataFile) -> pa.Schema:
    """Return the columns of a temporary file."""
    return pq.read_schema(file.path)
