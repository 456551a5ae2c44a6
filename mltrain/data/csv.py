"""CSV: one file, or a folder or glob of them, on a disk or behind a URL; types are inferred over whole files."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from mltrain.data.data_file import DataFile
from mltrain.data.locations import (
    NO_ROWS_HINT,
    FileOptions,
    SourceFile,
    describe_files,
    has_suffix,
    leads_to,
    require_files,
)
from mltrain.data.options import checked_options
from mltrain.data.remote import client_faults, refusal
from mltrain.data.stacking import stack_tables
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
DELIMITERS = (",", ";", "\t", "|")
MAX_BLOCK_BYTES = 2**30
PACKED = 20
HEADER_BYTES = 2**20


class CsvOptions(FileOptions):
    """How a CSV file is written."""

    delimiter: str | None = None
    """One character between values; by default the one of `, ; tab |` that the header has most of."""
    encoding: str = "utf-8"
    """Character encoding, such as `latin-1`."""
    null_values: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "#N/A")
    """Texts that mean a missing value, where they are not quoted."""
    decimal_point: str = "."
    """One character between whole and fraction."""


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

    def load(self, source: str, options: Mapping[str, Any]) -> pa.Table:
        """Read all files in the order of their paths.

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
        tables = [_read(file, settings) for file in files]
        return stack_tables(tables, origins=[file.name for file in files])


def csv_options(options: Mapping[str, Any]) -> CsvOptions:
    """Return the options, or say which one is wrong.

    Raises
    ------
    mltrain.errors.ConfigError
        An option is unknown or has a wrong value.
    """
    settings = checked_options(CsvOptions, options, source="csv")
    try:
        codecs.lookup(settings.encoding)
    except LookupError as error:
        raise ConfigError(str(error), where="data.options.encoding", hint="utf-8, latin-1, cp1252 …") from error
    return settings


def _read(file: DataFile, options: CsvOptions) -> pa.Table:
    """Return one file as a table."""
    size = file.size_bytes * (PACKED if file.has_suffix((".gz",)) else 1)
    block = MAX_BLOCK_BYTES if size < 0 else max(2**16, min(size + 2, MAX_BLOCK_BYTES))
    try:
        table = pc.read_csv(
            file.open_stream(),
            # Types are inferred from the first block alone: one block makes that the whole file.
            read_options=pc.ReadOptions(
                block_size=block,
                encoding=options.encoding,
                use_threads=False,
            ),
            parse_options=pc.ParseOptions(delimiter=find_delimiter(file, options), newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                null_values=list(options.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                decimal_point=options.decimal_point,
            ),
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


def find_delimiter(file: DataFile, options: CsvOptions) -> str:
    """Return the delimiter of the options, or the commonest one in the header."""
    if options.delimiter is not None:
        if len(options.delimiter) != 1:
            raise ConfigError(
                f"a delimiter is one character, not {options.delimiter!r}", where="data.options.delimiter"
            )
        return options.delimiter
    with file.open_stream() as opened:
        header = opened.read(HEADER_BYTES).decode(options.encoding, errors="replace").partition("\n")[0]
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    return max(DELIMITERS, key=lambda mark: counts[mark])


def unreachable_csv(file: DataFile, error: Exception) -> Exception:
    """Return the error for a file that the disk, or the store behind its URL, refuses."""
    if file.is_remote:
        return refusal(file.name, error)
    return EnvironmentRefusal(f"cannot read the file: {getattr(error, 'strerror', None) or error}", where=file.name)


def unreadable_csv(file: DataFile, error: Exception, options: CsvOptions) -> DataError:
    """Return the error for a file that cannot be parsed, with the row where Arrow names one."""
    text = str(error)
    if "Empty CSV" in text:
        return DataError("there are no rows", where=file.name, hint=NO_ROWS_HINT)
    row = re.search(r"[Rr]ow #(\d+)", text)
    if "UTF" in text or isinstance(error, UnicodeError):
        hint = f"it was read as {options.encoding}; set data.options.encoding, such as latin-1"
    else:
        hint = "check this row, or set data.options.delimiter"
    return DataError(
        f"not a readable CSV file: {text.rstrip('.')}",
        where=f"{file.name}, row {row[1]}" if row else file.name,
        hint=hint,
    )


SOURCE = CsvSource()
