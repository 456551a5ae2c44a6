"""What the folders above a file say of its rows: hive partitions, ``key=value``, become columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds

from mltrain.data.data_file import DataFile

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def folder_values(file: DataFile, *, besides: Sequence[str]) -> dict[str, pa.Scalar]:
    """Return what the folders between the source and a file say, where the file does not say it itself."""
    pairs = (part.split("=", 1) for part in file.folders if "=" in part)
    named = {unquote(key): unquote(value) for key, value in pairs}
    return {name: _scalar(value) for name, value in named.items() if name not in besides}


def with_folders(stored: pa.Schema, values: Mapping[str, pa.Scalar]) -> pa.Schema:
    """Return the columns of a file and of the folders above it."""
    for name, value in values.items():
        stored = stored.append(pa.field(name, value.type))
    return stored


def expression(values: Mapping[str, pa.Scalar], schema: pa.Schema) -> ds.Expression:
    """Return the folders' values as what Arrow fills their columns from."""
    known = ds.scalar(True)
    for name, value in values.items():
        column = ds.field((name,))
        same = column == value.cast(schema.field(name).type) if value.is_valid else column.is_null()
        known = known & same
    return known


def repeated(value: pa.Scalar, n_rows: int) -> pa.Array:
    """Return a folder's value for every row."""
    return pa.repeat(value, n_rows) if value.is_valid else pa.nulls(n_rows)


def _scalar(value: str) -> pa.Scalar:
    """Return a folder's value: text that is a whole number becomes one."""
    if value == HIVE_NULL:
        return pa.scalar(None)
    is_number = value.lstrip("-").isdecimal() and str(int(value)) == value
    return pa.scalar(int(value) if is_number else value)
