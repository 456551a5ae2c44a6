"""Columns that came as another type than in training: read all the same, but told."""

from __future__ import annotations

import pyarrow as pa

from mltrain.data import Schema
from mltrain.data.nearest import MAX_LISTED

_SORTS = {
    "number": ("int", "uint", "float", "double", "halffloat", "decimal"),
    "text": ("string", "large_string", "dictionary<values=string", "dictionary<values=large_string"),
    "truth value": ("bool",),
    "time": ("timestamp", "date", "time", "duration"),
}


def type_notes(schema: Schema, now: pa.Schema | None) -> tuple[str, ...]:
    """Say which features are of another sort of type than in training, such as text that was numbers.

    Parameters
    ----------
    now : pyarrow.Schema, optional
        Types of the source; None where it has none of its own.
    """
    if now is None:
        return ()
    types = {field.name: str(_plain(field.type)) for field in now}
    changed = [
        f"{column.name} ({types[column.name]}, was {column.arrow_type})"
        for column in schema.features
        if column.name in types and _sort(types[column.name]) != _sort(column.arrow_type)
    ]
    if not changed:
        return ()
    more = f" and {len(changed) - MAX_LISTED} more" if len(changed) > MAX_LISTED else ""
    return (f"columns of another type than in training were converted: {', '.join(changed[:MAX_LISTED])}{more}",)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values: text may be read as a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _sort(arrow_type: str) -> str:
    """Return what a type holds; a type of no known sort stands for itself."""
    return next((sort for sort, starts in _SORTS.items() if arrow_type.startswith(starts)), arrow_type)
