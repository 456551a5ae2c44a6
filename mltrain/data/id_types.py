"""Id columns of several files as one type each: they are carried through, so that files may differ in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from mltrain.data.nearest import listed
from mltrain.data.text import as_text, decoded
from mltrain.errors import DataError

TEXT = pa.string()


def id_types(schemas: Sequence[pa.Schema], names: Sequence[str], *, origins: Sequence[str]) -> dict[str, pa.DataType]:
    """Return the ids that some file has, each with a type that holds the values of all files; else text.

    Parameters
    ----------
    schemas : sequence of pyarrow.Schema
        Columns of each file.
    names : sequence of str
        The ids.
    origins : sequence of str
        What the user calls each file, for messages.

    Raises
    ------
    mltrain.errors.DataError
        Types differ, and one of them cannot be written as text; names the file.
    """
    found = {}
    for name in names:
        there = {
            origin: _plain(schema.field(name).type)
            for schema, origin in zip(schemas, origins, strict=True)
            if name in schema.names
        }
        if there:
            found[name] = _widest(list(there.values()))
            _check_plain(there, found[name], name=name)
    return found


def with_ids(table: pa.Table, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """Return a table whose ids are of these types, null where it lacks them."""
    for name, kind in kinds.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
        elif _plain(table.schema.field(name).type) != kind:
            column = decoded(table.column(name))
            fitted = as_text(column) if kind == TEXT else column.cast(kind)
            table = table.set_column(table.column_names.index(name), name, fitted)
    return table


def _check_plain(kinds: Mapping[str, pa.DataType], wanted: pa.DataType, *, name: str) -> None:
    """Refuse lists and the like that cannot become what other files hold."""
    for origin, kind in kinds.items():
        if kind != wanted and pa.types.is_nested(kind):
            others = listed(sorted({str(other) for other in kinds.values() if other != kind}))
            hint = f"other files hold {others}: write numbers or text in all"
            raise DataError(f"ids of type {kind}", where=f"{origin}, column {name!r}", hint=hint)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values, which dictionaries and views store in another way."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _widest(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return a type that every value fits into unchanged."""
    if len(set(kinds)) == 1:
        return kinds[0]
    schemas = [pa.schema([pa.field("id", kind)]) for kind in kinds]
    try:
        widest = pa.unify_schemas(schemas, promote_options="permissive").field("id").type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return TEXT
    # A float rounds long numbers, and a signed one does not hold the longest of the unsigned.
    is_lossy = any(pa.types.is_integer(kind) and kind.bit_width == 64 and kind != widest for kind in kinds)
    return TEXT if is_lossy else widest
