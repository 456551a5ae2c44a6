"""Tables too large for memory: the columns a schema needs, some rows at a time, in source order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from mltrain.data import Column, ColumnKind, Schema, csv, parquet
from mltrain.data.csv import CsvOptions, _check_options, _delimiter, _unreadable
from mltrain.data.locations import require_files
from mltrain.data.parquet import _partitions, _repeated, unreadable
from mltrain.errors import DataError

BLOCK_BYTES = 2**24

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
    """

    names: tuple[str, ...]
    tables: Iterator[pa.Table]
    is_typed: bool = True


def stream_parquet(source: str, schema: Schema, *, batch_rows: int) -> Stream:
    """Read Parquet files in the order of their paths.

    Raises
    ------
    mltrain.errors.DataError
        No file, or an unreadable one; names the file.
    """
    files = require_files(source, parquet.SUFFIXES)
    first = _parquet_names(files[0], source)
    wanted = _wanted(schema, first)

    def tables() -> Iterator[pa.Table]:
        for file in files:
            yield from _parquet_tables(file, source, wanted=wanted, batch_rows=batch_rows)

    return Stream(names=first, tables=tables())


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
    settings = _check_options(options)
    files = require_files(source, csv.SUFFIXES)
    names = tuple(_open_csv(files[0], settings, types={}).schema.names)
    by_name = {column.name: column for column in schema.columns}
    wanted = _wanted(schema, names)
    types = {name: _csv_type(by_name[name], settings) for name in wanted}

    def tables() -> Iterator[pa.Table]:
        for file in files:
            yield from _csv_tables(file, settings, types=types)

    return Stream(names=names, tables=tables(), is_typed=False)


def stream_table(table: pa.Table, schema: Schema, *, batch_rows: int) -> Stream:
    """Cut a table that is in memory already."""
    wanted = table.select(list(_wanted(schema, table.column_names)))
    starts = range(0, max(table.num_rows, 1), batch_rows)
    return Stream(names=tuple(table.column_names), tables=(wanted.slice(start, batch_rows) for start in starts))


def _wanted(schema: Schema, names: Sequence[str]) -> tuple[str, ...]:
    """Return the features and ids of a schema that a source has."""
    needed = {*schema.ids, *(column.name for column in schema.features)}
    return tuple(column.name for column in schema.columns if column.name in needed and column.name in names)


def _parquet_names(file: Path, source: str) -> tuple[str, ...]:
    """Return the columns of a file and of the folders above it."""
    with _readable(file):
        names = tuple(pq.read_schema(file).names)
    return (*names, *(key for key, _ in _partitions(file, source) if key not in names))


def _parquet_tables(file: Path, source: str, *, wanted: Sequence[str], batch_rows: int) -> Iterator[pa.Table]:
    """Yield one file in pieces; the first is empty, for a file without rows still has columns."""
    folders = dict(_partitions(file, source))
    with _readable(file), pq.ParquetFile(file) as reader:
        stored = [name for name in wanted if name in reader.schema_arrow.names]
        yield _with_folders(pa.schema(reader.schema_arrow.field(n) for n in stored).empty_table(), folders, wanted)
        for batch in reader.iter_batches(batch_size=batch_rows, columns=stored):
            yield _with_folders(pa.table(batch), folders, wanted)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Name the file when Arrow cannot read it."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise unreadable(file, error) from error


def _with_folders(table: pa.Table, folders: Mapping[str, str], wanted: Sequence[str]) -> pa.Table:
    """Add the columns that only the names of folders hold."""
    for name in wanted:
        if name in folders and name not in table.column_names:
            table = table.append_column(name, _repeated(folders[name], table.num_rows))
    return table


def _csv_tables(file: Path, options: CsvOptions, *, types: Mapping[str, pa.DataType]) -> Iterator[pa.Table]:
    """Yield one file block by block; the first is empty, for a file without rows still has columns."""
    reader = _open_csv(file, options, types=types)
    yield reader.schema.empty_table()
    try:
        while True:
            yield pa.Table.from_batches([reader.read_next_batch()])
    except StopIteration:
        return
    except pa.ArrowInvalid as error:
        raise _unreadable(file, error, options) from error


def _open_csv(file: Path, options: CsvOptions, *, types: Mapping[str, pa.DataType]) -> pc.CSVStreamingReader:
    """Open a file for reading in blocks; without ``types`` all columns are kept."""
    try:
        return pc.open_csv(
            str(file),
            read_options=pc.ReadOptions(block_size=BLOCK_BYTES, encoding=options.encoding, use_threads=False),
            parse_options=pc.ParseOptions(delimiter=_delimiter(file, options), newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                include_columns=list(types),
                column_types=dict(types),
                null_values=list(options.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                decimal_point=options.decimal_point,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, LookupError, UnicodeError) as error:
        raise _unreadable(file, error, options) from error
    except OSError as error:
        raise DataError(f"cannot read the file: {error.strerror or error}", where=str(file)) from error


def _csv_type(column: Column, options: CsvOptions) -> pa.DataType:
    """Return the type to read a column as."""
    was_number = column.arrow_type.startswith(_NUMBERS)
    if column.kind is ColumnKind.ID:
        return pa.int64() if column.arrow_type.startswith(("int", "uint")) else pa.string()
    if was_number and (column.kind is ColumnKind.CATEGORY or options.decimal_point != "."):
        return pa.float64()
    return pa.string()
