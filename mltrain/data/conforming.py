"""A table made to fit a schema: exactly its features, in its order, in the type each kind works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import Column, ColumnKind, Schema
from mltrain.data.failing import first_failing
from mltrain.data.moments import as_moments
from mltrain.data.nearest import listed, suggest_each
from mltrain.data.text import as_text, decoded, filled, is_text, parse_booleans, parse_numbers
from mltrain.errors import SchemaError

WORKING_TYPES: Mapping[ColumnKind, pa.DataType] = {
    ColumnKind.NUMERIC: pa.float64(),
    ColumnKind.BOOLEAN: pa.bool_(),
    ColumnKind.CATEGORY: pa.dictionary(pa.int32(), pa.string()),
    ColumnKind.DATE: pa.timestamp("us"),
}
WANTED = {
    ColumnKind.NUMERIC: "a number",
    ColumnKind.BOOLEAN: "true or false",
    ColumnKind.CATEGORY: "text",
    ColumnKind.DATE: "an ISO 8601 date",
}


def conform(table: pa.Table, schema: Schema, *, origin: str) -> pa.Table:
    """Return the feature columns of a schema in the types that its kinds work with, `WORKING_TYPES`.

    Parameters
    ----------
    table : pyarrow.Table
        Any table that has these columns; other columns are ignored.
    origin : str
        What the user named, for messages.

    Returns
    -------
    pyarrow.Table
        As many rows, one column per feature, in the schema's order; missing values are nulls. Numbers that came as
        float32 or as short integers are float32, not copied where they are that and none is NaN.

    Raises
    ------
    mltrain.errors.SchemaError
        Columns are missing (ten are named), or a value cannot be read as its column's kind (row and value
        are named).
    """
    require_columns(table.column_names, schema, origin=origin)
    fitted = [_conform_column(table.column(c.name), c, origin=origin) for c in schema.features]
    if not fitted:  # a table without columns would lose its number of rows
        return table.select([])
    return pa.table(fitted, names=[column.name for column in schema.features])


def require_columns(names: Sequence[str], schema: Schema, *, origin: str) -> None:
    """Refuse a table that lacks features of a schema.

    Parameters
    ----------
    names : sequence of str
        All columns of the table, also those that the schema does not know: a name that is near is among them.

    Raises
    ------
    mltrain.errors.SchemaError
        Columns are missing; ten are named.
    """
    wanted = [column.name for column in schema.features]
    missing = [name for name in wanted if name not in names]
    if missing:
        several = f"{len(missing)} of {len(wanted)} columns missing: {listed(missing)}"
        unknown = [name for name in names if name not in wanted]
        raise SchemaError(
            f"column {missing[0]!r} missing" if len(missing) == 1 else several,
            where=origin,
            hint=suggest_each(missing, unknown or names),
        )


def _conform_column(column: pa.ChunkedArray, wanted: Column, *, origin: str) -> pa.ChunkedArray:
    """Return one column in the type of its kind."""
    converters: Mapping[ColumnKind, Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {
        ColumnKind.NUMERIC: _to_numbers,
        ColumnKind.BOOLEAN: _to_booleans,
        ColumnKind.CATEGORY: _to_categories,
        ColumnKind.DATE: as_moments,
    }
    convert = converters[wanted.kind]
    if pa.types.is_null(column.type):
        return column.cast(pa.string()).cast(WORKING_TYPES[wanted.kind])
    try:
        fitted = convert(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _misfit(column, wanted, origin=origin, row=first_failing(column, convert)) from error
    if fitted.null_count == 0:  # looking for what was lost takes as long as converting
        return fitted
    lost = np.asarray(pc.is_null(fitted).to_numpy()) & ~_is_blank(column)
    if lost.any():
        raise _misfit(column, wanted, origin=origin, row=int(lost.argmax()))
    return fitted


def _to_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers, truth values, times of day, durations or text as float64, or as float32 where nothing is lost."""
    values = decoded(column)
    if is_text(values.type):
        values = parse_numbers(values)
    elif pa.types.is_time32(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_time(values.type) or pa.types.is_duration(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_boolean(values.type):
        values = values.cast(pa.int32())
    # Integers beyond 2**53 are rounded, not refused.
    values = values.cast(pa.float32() if _fits_float32(values.type) else pa.float64(), safe=False)
    is_nan = pc.is_nan(values)
    return pc.if_else(is_nan, pa.scalar(None, values.type), values) if pc.any(is_nan).as_py() else values


def _fits_float32(kind: pa.DataType) -> bool:
    """Say whether every value of a type is a float32, which takes half the memory of the working type."""
    types = pa.types
    is_short = types.is_int8(kind) or types.is_int16(kind) or types.is_uint8(kind) or types.is_uint16(kind)
    return bool(is_short or types.is_float16(kind) or types.is_float32(kind))


def _to_booleans(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return truth values, 0 and 1, or words for them; anything else becomes null."""
    values = decoded(column)
    return values if pa.types.is_boolean(values.type) else parse_booleans(as_text(values))


def _to_categories(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return any scalar values as dictionary-encoded text, with one dictionary for all rows."""
    if is_text(column.type) and pa.types.is_dictionary(column.type):
        return column.cast(WORKING_TYPES[ColumnKind.CATEGORY]).unify_dictionaries()
    return as_text(column).dictionary_encode().unify_dictionaries()


def _is_blank(column: pa.ChunkedArray) -> np.ndarray:
    """Return where a column holds no value, blank text included; shape (n_samples,)."""
    values = filled(column) if is_text(column.type) else column
    if is_text(values.type):
        nan = pc.equal(pc.utf8_lower(values), "nan")
        return np.asarray(pc.or_kleene(pc.is_null(values), pc.fill_null(nan, fill_value=False)).to_numpy())
    return np.asarray(pc.is_null(values, nan_is_null=pa.types.is_floating(values.type)).to_numpy())


def _misfit(column: pa.ChunkedArray, wanted: Column, *, origin: str, row: int) -> SchemaError:
    """Return the error for a value that is not of its column's kind."""
    return SchemaError(
        f"{column[row].as_py()!r} is not {WANTED[wanted.kind]}",
        where=f"{origin}, column {wanted.name!r}, row {row + 1}",
        hint=f"the schema says {wanted.kind.value} ({wanted.reason or 'inferred'})",
    )
