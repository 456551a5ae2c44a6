"""Tables too large for memory: the columns a schema needs, some rows at a time, in source order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from mltrain.data import Column, ColumnKind, Rows, Schema, csv, parquet
from mltrain.data.csv_format import CsvOptions, csv_blocks, csv_names, csv_options
from mltrain.data.data_file import DataFile
from mltrain.data.file_dataset import named_files, readable
from mltrain.data.folders import folder_values, repeated, with_folders
from mltrain.data.fragments import parquet_batches
from mltrain.data.id_types import id_types, with_ids
from mltrain.data.locations import require_files
from mltrain.data.rows import batch_rows, iter_batches
from mltrain.data.text import is_text

_NUMBERS = ("int", "uint", "float", "double", "decimal")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A source being read.

    Attributes
    ----------
    names : tuple of str
        All columns of the first file.
    tables : iterator of pyarrow.Table
        The columns that the schema needs, as far as they are there.
    is_typed : bool
        Whether the types are the source's; of CSV they are ours.
    partial_ids : tuple of str
        Ids that some of the files lack: null there.
    """

    names: tuple[str, ...]
    tables: Iterator[pa.Table]
    is_typed: bool = True
    partial_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """A Parquet file whose footer was read: the columns stored in it, and those that its folders name."""

    file: DataFile
    stored: pa.Schema
    folders: Mapping[str, pa.Scalar]

    @property
    def schema(self) -> pa.Schema:
        """All of its columns."""
        return with_folders(self.stored, self.folders)


def stream_parquet(source: str, schema: Schema, *, options: Mapping[str, Any], most_rows: int) -> Stream:
    """Read Parquet files in the order of their paths; ids may differ in type from file to file, or be missing.

    Raises
    ------
    mltrain.errors.DataError
        No file, or an unreadable one; names the file.
    """
    files = named_files(source, options, plugin="parquet", suffixes=parquet.SUFFIXES)
    stored = [parquet.stored_schema(file) for file in files]
    opened = [
        _Opened(file=file, stored=columns, folders=folders)
        for file, columns, folders in zip(files, stored, folder_values(files, stored), strict=True)
    ]
    schemas = [one.schema for one in opened]
    ids = id_types(schemas, schema.ids, origins=[file.name for file in files])
    names = tuple(dict.fromkeys([*schemas[0].names, *ids]))
    wanted = _wanted(schema, names)

    def tables() -> Iterator[pa.Table]:
        for one in opened:
            for table in _parquet_tables(one, wanted=wanted, most_rows=most_rows):
                yield with_ids(table, ids)

    lacked = tuple(name for name in ids if any(name not in columns.names for columns in schemas))
    return Stream(names=names, tables=tables(), partial_ids=lacked)


def stream_csv(source: str, schema: Schema, *, options: Mapping[str, Any]) -> Stream:
    """Read CSV files in the order of their paths.

    Values stay text, for `conform` to parse and to name the row of a wrong one; only categories that were
    numbers in training are read as numbers, so that 1.0 and 1 stay the same level.

    Raises
    ------
    mltrain.errors.DataError
        No file, or one that cannot be parsed; names the file and the row.
    mltrain.errors.ConfigError
        An option is unknown or has a wrong value.
    """
    settings = csv_options(options)
    files = require_files(source, csv.SUFFIXES, storage=settings.storage)
    names = csv_names(files[0], settings)
    by_name = {column.name: column for column in schema.columns}
    wanted = _wanted(schema, names)
    types = {name: _csv_type(by_name[name], settings) for name in wanted}

    def tables() -> Iterator[pa.Table]:
        for file in files:
            yield from (pa.table(block) for block in csv_blocks(file, settings, types=types))

    return Stream(names=tuple(names), tables=tables(), is_typed=False)


def stream_rows(rows: Rows, schema: Schema, *, origin: str, most_rows: int) -> Stream:
    """Read rows that are in memory already, or in a dataset.

    Raises
    ------
    mltrain.errors.MltrainError
        A file cannot be read; see `mltrain.data.rows.iter_batches`.
    """
    wanted = _wanted(schema, rows.schema.names)

    def tables() -> Iterator[pa.Table]:
        yield pa.schema([rows.schema.field(name) for name in wanted]).empty_table()
        for batch in iter_batches(rows, origin=origin, columns=wanted, most_rows=most_rows):
            yield pa.Table.from_batches([batch])

    return Stream(names=tuple(rows.schema.names), tables=tables())


def stream_reader(reader: pa.RecordBatchReader, schema: Schema, *, most_rows: int) -> Stream:
    """Read rows as a source gives them."""
    tables = chain([reader.schema.empty_table()], (pa.table(batch) for batch in reader))
    return stream_tables(tables, reader.schema.names, schema, most_rows=most_rows)


def stream_tables(tables: Iterable[pa.Table], names: Sequence[str], schema: Schema, *, most_rows: int) -> Stream:
    """Cut tables, which all have these columns, to the columns that the schema needs and into batches."""
    wanted = list(_wanted(schema, names))
    size = batch_rows(len(wanted), most_rows=most_rows)

    def batches() -> Iterator[pa.Table]:
        for table in tables:
            chosen = table.select(wanted)
            yield from (chosen.slice(start, size) for start in range(0, max(1, chosen.num_rows), size))

    return Stream(names=tuple(names), tables=batches())


def _wanted(schema: Schema, names: Sequence[str]) -> tuple[str, ...]:
    """Return the features and ids of a schema that a source has."""
    needed = {*schema.ids, *(column.name for column in schema.features)}
    return tuple(column.name for column in schema.columns if column.name in needed and column.name in names)


def _parquet_tables(opened: _Opened, *, wanted: Sequence[str], most_rows: int) -> Iterator[pa.Table]:
    """Yield one file in pieces; the first is empty, for a file without rows still has columns."""
    file, folders = opened.file, opened.folders
    stored = pa.schema([opened.stored.field(name) for name in wanted if name in opened.stored.names])
    yield _with_folders(stored.empty_table(), folders, wanted)
    batches = parquet_batches(
        file.path,
        file.filesystem,
        columns=stored.names,
        batch_rows=batch_rows(len(stored), most_rows=most_rows),
        dictionaries=[field.name for field in stored if is_text(field.type)],
    )
    with readable(file, kind="Parquet"):
        for batch in batches:
            yield _with_folders(pa.table(batch), folders, wanted)


def _with_folders(table: pa.Table, folders: Mapping[str, pa.Scalar], wanted: Sequence[str]) -> pa.Table:
    """Add the columns that only the names of folders hold."""
    for name in wanted:
        if name in folders:
            table = table.append_column(name, repeated(folders[name], table.num_rows))
    return table


def _csv_type(column: Column, options: CsvOptions) -> pa.DataType:
    """Return the type to read a column as."""
    was_number = column.arrow_type.startswith(_NUMBERS)
    if column.kind is ColumnKind.ID:
        return pa.int64() if column.arrow_type.startswith(("int", "uint")) else pa.string()
    if was_number and (column.kind is ColumnKind.CATEGORY or options.decimal_point != "."):
        return pa.float64()
    return pa.string()
