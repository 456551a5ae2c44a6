"""Parquet: a file, a folder (hive partitions become columns) or a glob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from mltrain.data.locations import find_files, fixed_folder, has_suffix, require_files
from mltrain.data.stacking import unified_schema
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal

SUFFIXES = (".parquet", ".parq", ".pq")
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


class ParquetSource:
    """Reads Parquet files."""

    name = "parquet"

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like Parquet, or is a folder or glob that leads to it."""
        return has_suffix(source, SUFFIXES) or bool(find_files(source, SUFFIXES) and not Path(source).is_file())

    def load(self, source: str, options: Mapping[str, Any]) -> ds.Dataset:
        """Return all files in the order of their paths; types are widened where files differ.

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
        stored = [_read_schema(file) for file in files]
        folders = [_folders(file, source, besides=schema.names) for file, schema in zip(files, stored, strict=True)]
        schema = unified_schema(
            [_with_folders(*pair) for pair in zip(stored, folders, strict=True)],
            origins=[str(file) for file in files],
        )
        return ds.FileSystemDataset.from_paths(
            [str(file) for file in files],
            schema=schema,
            format=ds.ParquetFileFormat(),
            filesystem=fs.LocalFileSystem(),
            partitions=[_says(values, schema) for values in folders],
        )


def _read_schema(file: Path) -> pa.Schema:
    """Return the columns that are stored in one file."""
    try:
        return pq.read_schema(file)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise unreadable(file, error) from error
    except OSError as error:
        if error.errno is None:  # a damaged page: Arrow has no class of its own for it
            raise unreadable(file, error) from error
        raise EnvironmentRefusal(f"cannot read the file: {error.strerror}", where=str(file)) from error


def unreadable(file: Path, error: Exception) -> DataError:
    """Return the error for a file that Arrow cannot read."""
    reason = str(error).rstrip(".")
    hint = "it may be cut off or something else than Parquet: write it again"
    return DataError(f"not a readable Parquet file: {reason}", where=str(file), hint=hint)


def _folders(file: Path, source: str, *, besides: Sequence[str]) -> dict[str, pa.Scalar]:
    """Return what the folders above a file say of its rows, where the file does not say it itself."""
    pairs = dict(_partitions(file, source))
    return {name: _scalar(value) for name, value in pairs.items() if name not in besides}


def _with_folders(stored: pa.Schema, folders: Mapping[str, pa.Scalar]) -> pa.Schema:
    """Return the columns of a file and of the folders above it."""
    for name, value in folders.items():
        stored = stored.append(pa.field(name, value.type))
    return stored


def _says(folders: Mapping[str, pa.Scalar], schema: pa.Schema) -> ds.Expression:
    """Return the folders' values as what Arrow fills their columns from."""
    known = ds.scalar(True)
    for name, value in folders.items():
        column = ds.field((name,))
        same = column == value.cast(schema.field(name).type) if value.is_valid else column.is_null()
        known = known & same
    return known


def _partitions(file: Path, source: str) -> list[tuple[str, str]]:
    """Return the key=value folders between the source and the file."""
    inside = file.parent.relative_to(fixed_folder(source)).parts
    pairs = [part.split("=", 1) for part in inside if "=" in part]
    return [(unquote(key), unquote(value)) for key, value in pairs]


def _scalar(value: str) -> pa.Scalar:
    """Return a partition's value: text that is a whole number becomes one."""
    if value == HIVE_NULL:
        return pa.scalar(None)
    is_number = value.lstrip("-").isdecimal() and str(int(value)) == value
    return pa.scalar(int(value) if is_number else value)


def _repeated(value: str, n_rows: int) -> pa.Array:
    """Return a partition's value for every row."""
    scalar = _scalar(value)
    return pa.repeat(scalar, n_rows) if scalar.is_valid else pa.nulls(n_rows)


SOURCE = ParquetSource()
