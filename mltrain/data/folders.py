"""What the folders above a file say of its rows: hive partitions, ``key=value``, become columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds

from mltrain.data.data_file import DataFile

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


def folder_values(files: Sequence[DataFile], stored: Sequence[pa.Schema]) -> list[dict[str, pa.Scalar]]:
    """Return what the folders between the source and each file say, where the file does not say it itself.

    Parameters
    ----------
    stored : sequence of pyarrow.Schema
        Columns that each file holds.

    Notes
    -----
    A column of folders is whole numbers where all of its values are, and text otherwise.
    """
    texts = [_texts(file, besides=schema.names) for file, schema in zip(files, stored, strict=True)]
    others = {name for values in texts for name, text in values.items() if text is not None and not _is_whole(text)}
    return [{name: _scalar(text, is_text=name in others) for name, text in values.items()} for values in texts]


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


def _texts(file: DataFile, *, besides: Sequence[str]) -> dict[str, str | None]:
    """Return the values in the names of a file's folders, None for Hive's word for a missing one."""
    pairs = (part.split("=", 1) for part in file.folders if "=" in part)
    named = {unquote(key): unquote(value) for key, value in pairs}
    return {name: None if text == HIVE_NULL else text for name, text in named.items() if name not in besides}


def _is_whole(text: str) -> bool:
    """Say whether a text is a whole number of at most 18 digits, which fits into 64 bits, written as Python would."""
    return _WHOLE.fullmatch(text) is not None


def _scalar(text: str | None, *, is_text: bool) -> pa.Scalar:
    """Return a folder's value as text or as a number."""
    return pa.scalar(text if is_text or text is None else int(text))
