"""CSV: one file, or a folder or glob of them, on a disk or behind a URL; types are inferred from all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as ds

from mltrain.data import Rows
from mltrain.data.csv_format import (
    CsvOptions,
    convert_options,
    csv_options,
    find_delimiter,
    parse_options,
    read_options,
    unreachable_csv,
    unreadable_csv,
)
from mltrain.data.csv_types import stored_types
from mltrain.data.data_file import DataFile
from mltrain.data.locations import SourceFile, describe_files, has_suffix, leads_to, require_files
from mltrain.data.nearest import listed
from mltrain.data.remote import client_faults
from mltrain.data.stacking import stack_tables, unified_schema
from mltrain.errors import DataError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PACKED = 20
MOST_BYTES = 2**28
"""What is read at once; above, types are found a block at a time and rows stay in the files."""


class CsvSource:
    """Reads CSV files."""

    name = "csv"
    options = CsvOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like CSV, or is a folder or glob that leads to CSV files alone."""
        return has_suffix(source, SUFFIXES) or (
            leads_to(source, SUFFIXES) and not leads_to(source, (".parquet", ".parq", ".pq"))
        )

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return the files as they are now; empty where a store says too little of them."""
        return describe_files(source, storage=csv_options(options).storage)

    def load(self, source: str, options: Mapping[str, Any]) -> Rows:
        """Return all files in the order of their paths; large ones stay where they are, and a pass finds their types.

        Raises
        ------
        mltrain.errors.DataError
            No file, an empty one, or one that cannot be parsed; names the file and the row.
        mltrain.errors.ConfigError
            An option is unknown or has a wrong value.
        mltrain.errors.EnvironmentRefusal
            The disk, or the store behind a URL, refuses.
        """
        settings = csv_options(options)
        files = require_files(source, SUFFIXES, storage=settings.storage)
        if sum(_size(file) for file in files) > MOST_BYTES:
            return _open_files(files, settings)
        tables = [_read(file, settings) for file in files]
        return stack_tables(tables, origins=[file.name for file in files])


def _size(file: DataFile) -> int:
    """Return about how many bytes a file is once it is unpacked; more than any where a store does not say."""
    if file.size_bytes < 0:
        return MOST_BYTES + 1
    return file.size_bytes * (PACKED if file.has_suffix((".gz",)) else 1)


def _open_files(files: Sequence[DataFile], options: CsvOptions) -> ds.Dataset:
    """Return files as one dataset, in types that hold every value."""
    schemas = [stored_types(file, options) for file in files]
    marks = sorted({find_delimiter(file, options) for file in files})
    if len(marks) > 1:
        hint = "set data.options.delimiter, or write them alike"
        raise DataError(f"files have different delimiters: {listed(marks)}", where=files[-1].name, hint=hint)
    return ds.FileSystemDataset.from_paths(
        [file.path for file in files],
        schema=unified_schema(schemas, origins=[file.name for file in files]),
        format=ds.CsvFileFormat(
            read_options=read_options(options),
            parse_options=parse_options(delimiter=marks[0]),
            convert_options=convert_options(options),
        ),
        filesystem=files[0].filesystem,
    )


def _read(file: DataFile, options: CsvOptions) -> pa.Table:
    """Return one file as a table."""
    block = max(2**16, _size(file) + 2)
    try:
        # Types are inferred from the first block alone: one block makes that the whole file.
        table = pc.read_csv(
            file.open_stream(),
            read_options=read_options(options, block_bytes=block),
            parse_options=parse_options(delimiter=find_delimiter(file, options)),
            convert_options=convert_options(options),
        )
        _check_encoding(table)
    except (pa.ArrowInvalid, LookupError, UnicodeError) as error:
        raise unreadable_csv(file, error, options) from error
    except client_faults() as error:
        raise unreachable_csv(file, error) from None
    return table


def _check_encoding(table: pa.Table) -> None:
    """Raise UnicodeError for text in another encoding: Arrow makes a column of bytes of it and says nothing."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_binary(column.type):
            column.cast(pa.string())
            raise UnicodeError(f"column {name!r} is no text")


SOURCE = CsvSource()
