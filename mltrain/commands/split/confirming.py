"""What a sample says of a column, confirmed on all rows that training may see, where a single row can refute it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mltrain.data import Column, ColumnKind, Schema
from mltrain.data.columns import kind_of_type
from mltrain.data.text import decoded, filled, holds_moments, holds_numbers, is_text

CONSTANT = ("all values are the same", "all values are missing", "all values are blank")
NUMBERS = "numbers stored as text"
MOMENTS = "dates stored as text"


def confirm_columns(schema: Schema, paths: Sequence[Path]) -> Schema:
    """Return the schema with the kinds of columns that the rows of these Parquet files do not refute.

    Columns without information and numbers and dates stored as text are read again, one at a time. A refuted one
    becomes what its type says, or a category.
    """
    return replace(schema, columns=tuple(_confirmed(column, paths) for column in schema.columns))


def _confirmed(column: Column, paths: Sequence[Path]) -> Column:
    """Return a column, of another kind where some row refutes what was seen."""
    if column.reason in CONSTANT:
        stands = _is_constant(_chunks(column.name, paths))
    elif column.reason in (NUMBERS, MOMENTS):
        holds = holds_numbers if column.reason == NUMBERS else holds_moments
        stands = all(holds(chunk) or _is_blank(chunk) for chunk in _chunks(column.name, paths))
    else:
        return column
    if stands:
        return column
    kind = pq.read_schema(paths[0]).field(column.name).type
    if is_text(kind):
        return replace(column, kind=ColumnKind.CATEGORY, reason=f"text: not {_negated(column)} on every row")
    return replace(column, kind=kind_of_type(kind)[0], reason=f"not {_negated(column)} on every row")


def _negated(column: Column) -> str:
    """Return what a few rows refuted, as the rest of a sentence."""
    return "the same" if column.reason in CONSTANT else column.reason.removesuffix(" stored as text")


def _chunks(name: str, paths: Sequence[Path]) -> Iterator[pa.ChunkedArray]:
    """Yield one column of some files, a row group at a time."""
    for path in paths:
        with pq.ParquetFile(path, pre_buffer=False) as reader:
            for group in range(reader.num_row_groups):
                yield decoded(reader.read_row_group(group, columns=[name]).column(name))


def _is_constant(chunks: Iterator[pa.ChunkedArray]) -> bool:
    """Say whether all rows hold one value, or none; blank text is none."""
    seen: set[object] = set()
    for chunk in chunks:
        values = pc.unique(filled(chunk) if is_text(chunk.type) else chunk)
        seen.update(values.slice(0, 2).to_pylist())
        if len(seen) > 1:
            return False
    return True


def _is_blank(chunk: pa.ChunkedArray) -> bool:
    """Say whether a chunk of text holds nothing."""
    return bool(filled(chunk).null_count == len(chunk))
