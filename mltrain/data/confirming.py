"""What a sample says of a column, confirmed on all rows that may be seen, where a single row can refute it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import Column, ColumnKind, Schema, Trait
from mltrain.data.columns import kind_of_type
from mltrain.data.moments import holds_moments
from mltrain.data.text import decoded, filled, holds_numbers, is_text

_REFUTABLE = {Trait.CONSTANT: "the same", Trait.NUMBERS_AS_TEXT: "numbers", Trait.MOMENTS_AS_TEXT: "dates"}
"""What a single row can refute, and how it is said."""


def confirm_columns(schema: Schema, read: Callable[[str], Iterable[pa.ChunkedArray]]) -> Schema:
    """Return the schema with the kinds of columns that no row refutes.

    Columns without information and numbers and dates stored as text are read again, one at a time. A refuted one
    becomes what its type says, or a category.

    Parameters
    ----------
    read : callable
        Yields the values of a column, some rows at a time.
    """
    return replace(schema, columns=tuple(_confirmed(column, read) for column in schema.columns))


def _confirmed(column: Column, read: Callable[[str], Iterable[pa.ChunkedArray]]) -> Column:
    """Return a column, of another kind where some row refutes what was seen."""
    said = None if column.trait is None else _REFUTABLE.get(column.trait)
    if said is None:
        return column
    kinds: list[pa.DataType] = []
    if _stands(column, _noting_kinds(read(column.name), kinds)):
        return column
    reason = f"not {said} on every row"
    if is_text(kinds[0]):
        return replace(column, kind=ColumnKind.CATEGORY, reason=f"text: {reason}", trait=None)
    return replace(column, kind=kind_of_type(kinds[0]).kind, reason=reason, trait=None)


def _noting_kinds(chunks: Iterable[pa.ChunkedArray], kinds: list[pa.DataType]) -> Iterator[pa.ChunkedArray]:
    """Yield chunks without dictionary encoding, and leave their types behind."""
    for chunk in chunks:
        values = decoded(chunk)
        kinds.append(values.type)
        yield values


def _stands(column: Column, chunks: Iterable[pa.ChunkedArray]) -> bool:
    """Say whether all rows are as the sample was."""
    if column.trait is Trait.CONSTANT:
        return _is_constant(chunks)
    holds = holds_numbers if column.trait is Trait.NUMBERS_AS_TEXT else holds_moments
    return all(holds(chunk) or _is_blank(chunk) for chunk in chunks)


def _is_constant(chunks: Iterable[pa.ChunkedArray]) -> bool:
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
