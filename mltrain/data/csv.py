"""CSV: one file, or a folder or glob of them; types are inferred over whole files."""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from mltrain.data.locations import NO_ROWS_HINT, find_files, has_suffix, require_files
from mltrain.data.nearest import suggest
from mltrain.data.stacking import stack_tables
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
DELIMITERS = (",", ";", "\t", "|")
MAX_BLOCK_BYTES = 2**30
PACKED = 20


class CsvOptions(BaseModel):
    """How a CSV file is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

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

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like CSV, or is a folder or glob that leads to CSV files alone."""
        return has_suffix(source, SUFFIXES) or bool(
            find_files(source, SUFFIXES)
            and not Path(source).is_file()
            and not find_files(source, (".parquet", ".parq", ".pq"))
        )

    def load(self, source: str, options: Mapping[str, Any]) -> pa.Table:
        """Read all files in the order of their paths.

        Raises
        ------
        mltrain.errors.DataError
            No file, an empty one, or one that cannot be parsed; names the file and the row.
        mltrain.errors.ConfigError
            An option is unknown or has a wrong value.
        """
        settings = _check_options(options)
        files = require_files(source, SUFFIXES)
        tables = [_read(file, settings) for file in files]
        return stack_tables(tables, origins=[str(file) for file in files])


def _check_options(options: Mapping[str, Any]) -> CsvOptions:
    """Return the options, or say which one is wrong."""
    try:
        settings = CsvOptions.model_validate(dict(options))
        codecs.lookup(settings.encoding)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0])
        if wrong["type"] == "extra_forbidden":
            hint = suggest(name, list(CsvOptions.model_fields))
            raise ConfigError(f"csv has no option {name!r}", where="data.options", hint=hint) from error
        raise ConfigError(f"{wrong['msg'].lower()}: {name!r}", where=f"data.options.{name}") from error
    except LookupError as error:
        raise ConfigError(str(error), where="data.options.encoding", hint="utf-8, latin-1, cp1252 …") from error
    return settings


def _read(file: Path, options: CsvOptions) -> pa.Table:
    """Return one file as a table."""
    size = file.stat().st_size * (PACKED if file.suffix == ".gz" else 1)
    try:
        table = pc.read_csv(
            file,
            # Types are inferred from the first block alone: one block makes that the whole file.
            read_options=pc.ReadOptions(
                block_size=max(2**16, min(size + 2, MAX_BLOCK_BYTES)),
                encoding=options.encoding,
                use_threads=False,
            ),
            parse_options=pc.ParseOptions(delimiter=_delimiter(file, options), newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                null_values=list(options.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                decimal_point=options.decimal_point,
            ),
        )
        _check_encoding(table)
    except (pa.ArrowInvalid, LookupError, UnicodeError) as error:
        raise _unreadable(file, error, options) from error
    except OSError as error:
        raise EnvironmentRefusal(f"cannot read the file: {error.strerror or error}", where=str(file)) from error
    return table


def _check_encoding(table: pa.Table) -> None:
    """Raise UnicodeError for text in another encoding: Arrow makes a column of bytes of it and says nothing."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_binary(column.type):
            column.cast(pa.string())
            raise UnicodeError(f"column {name!r} is no text")


def _delimiter(file: Path, options: CsvOptions) -> str:
    """Return the delimiter of the options, or the commonest one in the header."""
    if options.delimiter is not None:
        if len(options.delimiter) != 1:
            raise ConfigError(
                f"a delimiter is one character, not {options.delimiter!r}", where="data.options.delimiter"
            )
        return options.delimiter
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding=options.encoding, errors="replace") as lines:
        header = str(lines.readline())
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    return max(DELIMITERS, key=lambda mark: counts[mark])


def _unreadable(file: Path, error: Exception, options: CsvOptions) -> DataError:
    """Return the error for a file that cannot be parsed, with the row where Arrow names one."""
    text = str(error)
    if "Empty CSV" in text:
        return DataError("there are no rows", where=str(file), hint=NO_ROWS_HINT)
    row = re.search(r"[Rr]ow #(\d+)", text)
    if "UTF" in text or isinstance(error, UnicodeError):
        hint = f"it was read as {options.encoding}; set data.options.encoding, such as latin-1"
    else:
        hint = "check this row, or set data.options.delimiter"
    return DataError(
        f"not a readable CSV file: {text.rstrip('.')}",
        where=f"{file}, row {row[1]}" if row else str(file),
        hint=hint,
    )


SOURCE = CsvSource()
