"""How a CSV file is written: its options, how Arrow is told of them, and what is said of a file that cannot be read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from mltrain.data.data_file import DataFile
from mltrain.data.locations import NO_ROWS_HINT, FileOptions
from mltrain.data.options import checked_options
from mltrain.data.remote import client_faults, refusal
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal

DELIMITERS = (",", ";", "\t", "|")
HEADER_BYTES = 2**20
BLOCK_BYTES = 2**23  # Arrow reads 32 of them ahead
NO_TYPES: Mapping[str, pa.DataType] = {}


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


def read_options(options: CsvOptions, *, block_bytes: int | None = None) -> pc.ReadOptions:
    """Return how Arrow reads the bytes."""
    return pc.ReadOptions(block_size=block_bytes or BLOCK_BYTES, encoding=options.encoding, use_threads=False)


def parse_options(*, delimiter: str) -> pc.ParseOptions:
    """Return how Arrow tells values apart."""
    return pc.ParseOptions(delimiter=delimiter, newlines_in_values=True)


def convert_options(options: CsvOptions, *, types: Mapping[str, pa.DataType] = NO_TYPES) -> pc.ConvertOptions:
    """Return how Arrow reads values: of the columns that have a type these alone, or all where none has."""
    return pc.ConvertOptions(
        include_columns=list(types),
        column_types=dict(types),
        null_values=list(options.null_values),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        decimal_point=options.decimal_point,
    )


def csv_names(file: DataFile, options: CsvOptions) -> Sequence[str]:
    """Return the columns of a file.

    Raises
    ------
    mltrain.errors.MltrainError
        As `csv_blocks`.
    """
    return tuple(_open(file, options, types=NO_TYPES).schema.names)


def csv_blocks(file: DataFile, options: CsvOptions, *, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file a block at a time; the first is empty, for a file without rows still has columns.

    Parameters
    ----------
    types : mapping of str to pyarrow.DataType
        The columns to read, and as what.

    Raises
    ------
    mltrain.errors.DataError
        It cannot be parsed; names the file and the row.
    mltrain.errors.EnvironmentRefusal
        The disk, or the store behind a URL, refuses.
    """
    reader = _open(file, options, types=types)
    yield pa.RecordBatch.from_pylist([], schema=reader.schema)
    try:
        while True:
            yield reader.read_next_batch()
    except StopIteration:
        return
    except pa.ArrowInvalid as error:
        raise unreadable_csv(file, error, options) from error
    except client_faults() as error:
        raise unreachable_csv(file, error) from None


def _open(file: DataFile, options: CsvOptions, *, types: Mapping[str, pa.DataType]) -> pc.CSVStreamingReader:
    """Open a file for reading in blocks."""
    try:
        return pc.open_csv(
            file.open_stream(),
            read_options=read_options(options),
            parse_options=parse_options(delimiter=find_delimiter(file, options)),
            convert_options=convert_options(options, types=types),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, LookupError, UnicodeError) as error:
        raise unreadable_csv(file, error, options) from error
    except client_faults() as error:
        raise unreachable_csv(file, error) from None


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
