"""Several tables made one: columns matched by name, types widened where no value is lost."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from mltrain.data.nearest import listed
from mltrain.errors import DataError


def stack_tables(tables: Sequence[pa.Table], *, origins: Sequence[str]) -> pa.Table:
    """Return the rows of all tables, in order, with the columns of the first.

    Parameters
    ----------
    tables : sequence of pyarrow.Table, at least one
    origins : sequence of str
        The file of each table, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A table has two columns of one name, other columns than the first, or a type that cannot be widened;
        names the file.
    """
    schema = unified_schema([table.schema for table in tables], origins=origins)
    return pa.concat_tables([table.select(schema.names).cast(schema) for table in tables])


def unified_schema(schemas: Sequence[pa.Schema], *, origins: Sequence[str]) -> pa.Schema:
    """Return the columns of the first schema in types that hold the values of all, without metadata.

    Parameters
    ----------
    schemas : sequence of pyarrow.Schema, at least one
    origins : sequence of str
        The file of each, for messages.

    Raises
    ------
    mltrain.errors.DataError
        As `stack_tables`.
    """
    for schema, origin in zip(schemas, origins, strict=True):
        _check_unique(schema.names, origin=origin)
    unified = schemas[0].remove_metadata()
    for schema, origin in zip(schemas[1:], origins[1:], strict=True):
        _check_columns(unified.names, schema.names, origin=origin, first=origins[0])
        unified = _unified(unified, schema, origin=origin, first=origins[0])
    return unified


def _check_unique(names: Sequence[str], *, origin: str) -> None:
    """Refuse a table with two columns of one name."""
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DataError(f"column names occur twice: {listed(repeated)}", where=origin, hint="rename one of each")


def _check_columns(wanted: Sequence[str], found: Sequence[str], *, origin: str, first: str) -> None:
    """Refuse a table whose columns are not those of the first."""
    lacking = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if lacking or extra:
        what = f"lacks {listed(lacking)}" if lacking else f"has {listed(extra)} besides"
        raise DataError(f"columns differ: {origin} {what}", where=origin, hint=f"compare it with {first}")


def _unified(schema: pa.Schema, other: pa.Schema, *, origin: str, first: str) -> pa.Schema:
    """Return the first schema with types widened to hold the other's values."""
    fields = []
    for field in schema:
        kinds = (field, other.field(field.name))
        try:
            unified = pa.unify_schemas([pa.schema([kind]) for kind in kinds], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"types differ: {kinds[1].type} in {origin}, {kinds[0].type} before",
                where=f"{origin}, column {field.name!r}",
                hint=f"compare it with {first}",
            ) from error
        fields.append(unified.field(0))
    return pa.schema(fields)
