"""Rows as drivers give them, made columns: types from the driver where it names them, else from the values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from mltrain.errors import DataError

UTC_MOMENT = pa.timestamp("us", "UTC")
# Object identifiers of PostgreSQL's own types, which never change.
POSTGRES: Mapping[int, pa.DataType] = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 26: pa.int64(), 700: pa.float32(),
    701: pa.float64(), 18: pa.string(), 19: pa.string(), 25: pa.string(), 1042: pa.string(), 1043: pa.string(),
    2950: pa.string(), 114: pa.string(), 3802: pa.string(), 17: pa.binary(), 1082: pa.date32(), 1083: pa.time64("us"),
    1114: pa.timestamp("us"), 1184: UTC_MOMENT, 1186: pa.duration("us"),
}  # fmt: skip
_POSTGRES_NUMERIC = 1700
_MOST_DIGITS = 38
_NATIVE = (bool, int, float, str, bytes, Decimal, date, time, timedelta, list, tuple)
_UNFIT = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)


def postgres_types(description: Sequence[Any]) -> tuple[pa.DataType | None, ...]:
    """Return the Arrow types of a PostgreSQL cursor's columns, None where only the values tell."""
    return tuple(_postgres_type(column) for column in description)


def _postgres_type(column: Any) -> pa.DataType | None:
    """Return the Arrow type of one column; ``numeric`` without digits named has none."""
    if column.type_code == _POSTGRES_NUMERIC and column.precision and column.precision <= _MOST_DIGITS:
        return pa.decimal128(column.precision, max(column.scale or 0, 0))
    return POSTGRES.get(column.type_code)


def to_table(
    rows: Sequence[Sequence[Any]], names: Sequence[str], types: Sequence[pa.DataType | None], *, source: str
) -> pa.Table:
    """Return rows as a table.

    Raises
    ------
    mltrain.errors.DataError
        A column mixes types.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = [
        _to_array(values, kind, where=f"{source}, column {name!r}")
        for values, name, kind in zip(columns, names, types, strict=True)
    ]
    return pa.table(arrays, names=list(names))


def _to_array(values: Sequence[Any], kind: pa.DataType | None, *, where: str) -> pa.Array:
    """Return one column, in the type that the driver names where the values fit it."""
    if kind is not None:
        try:
            return pa.array(_as_text(values) if pa.types.is_string(kind) else values, kind)
        except _UNFIT:  # such as a numeric that is not a number
            pass
    return _inferred(values, where=where)


def _inferred(values: Sequence[Any], *, where: str) -> pa.Array:
    """Return one column in the type that its values have."""
    first = next((value for value in values if value is not None), None)
    if first is None:
        return pa.nulls(len(values))
    if not isinstance(first, _NATIVE):
        return pa.array(_as_text(values), pa.string())
    try:
        array = pa.array(values)
    except _UNFIT as error:
        kinds = {type(value) for value in values if value is not None}
        if kinds <= {int, float, Decimal}:
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
        found = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(f"values of types {found} in one column", where=where, hint="cast it in the query") from error
    return array.cast(UTC_MOMENT) if pa.types.is_timestamp(array.type) and array.type.tz is not None else array


def _as_text(values: Sequence[Any]) -> list[str | None]:
    """Return values as text; what JSON holds as JSON."""
    return [
        value
        if value is None or isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict | list)
        else str(value)
        for value in values
    ]
