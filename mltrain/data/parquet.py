"""Parquet: a file, a folder (hive partitions become columns) or a glob."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from mltrain.data.locations import find_files, fixed_folder, has_suffix, require_files
from mltrain.data.stacking import stack_tables
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal

SUFFIXES = (".parquet", ".parq", ".pq")
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


class ParquetSource:
    """Reads Parquet files."""

    name = "parquet"

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like Parquet, or is a folder or glob that leads to it."""
        return has_suffix(source, SUFFIXES) or bool(find_files(source, SUFFIXES) and not Path(source).is_file())

    def load(self, source: str, options: Mapping[str, Any]) -> pa.Table:
        """Read all files in the order of their paths; types are widened where files differ.

        Raises
        ------
        mltrain.errors.DataError
            No file, an unreadable one, or columns that differ; names the file.
        mltrain.errors.ConfigError
            Any option: there are none.
        """
        if options:
            raise ConfigError(f"unknown option {next(iter(options))!r} for parquet", where="data.options")
        files = require_files(source, SUFFIXES)
        tables = [_read(file, source) for file in files]
        return stack_tables(tables, origins=[str(file) for file in files])


def _read(file: Path, source: str) -> pa.Table:
    """Return one file with the columns that its folders name."""
    try:
        # `pq.read_table` would guess partitions from any folder above the source as well.
        with pq.ParquetFile(file) as reader:
            table = reader.read().replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise unreadable(file, error) from error
    except OSError as error:
        if error.errno is None:  # a damaged page: Arrow has no class of its own for it
            raise unreadable(file, error) from error
        raise EnvironmentRefusal(f"cannot read the file: {error.strerror}", where=str(file)) from error
    for name, value in _partitions(file, source):
        if name not in table.column_names:
            table = table.append_column(name, _repeated(value, table.num_rows))
    return table


def unreadable(file: Path, error: Exception) -> DataError:
    """Return the error for a file that Arrow cannot read."""
    reason = str(error).rstrip(".")
    hint = "it may be cut off or something else than Parquet: write it again"
    return DataError(f"not a readable Parquet file: {reason}", where=str(file), hint=hint)


def _partitions(file: Path, source: str) -> list[tuple[str, str]]:
    """Return the key=value folders between the source and the file."""
    inside = file.parent.relative_to(fixed_folder(source)).parts
    pairs = [part.split("=", 1) for part in inside if "=" in part]
    return [(unquote(key), unquote(value)) for key, value in pairs]


def _repeated(value: str, n_rows: int) -> pa.Array:
    """Return a partition's value for every row: text that is a whole number becomes one."""
    if value == HIVE_NULL:
        return pa.nulls(n_rows)
    is_number = value.lstrip("-").isdecimal() and str(int(value)) == value
    return pa.repeat(pa.scalar(int(value) if is_number else value), n_rows)


SOURCE = ParquetSource()
