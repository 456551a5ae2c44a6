"""Dates, timestamps and ISO 8601 text as moments: the one place that reads times."""

from __future__ import annotations

from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data.failing import first_failing
from mltrain.data.text import decoded, filled, is_text, matches
from mltrain.data.writings import OTHER_DATE
from mltrain.errors import DataError

Unit: TypeAlias = Literal["us", "ns"]
DATE = r"^\d{4}-\d{2}-\d{2}$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6}(\d{1,3})?)?)?"
ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"
_EXAMPLE = "2021-05-17 or 2021-05-17T09:30:00Z"
HINT = f"use dates, timestamps or ISO 8601 text, such as {_EXAMPLE}"


def can_be_moments(kind: pa.DataType) -> bool:
    """Say whether a column of this type may hold moments: dates, timestamps, text, or nothing at all."""
    types = pa.types
    return bool(is_text(kind) or types.is_date(kind) or types.is_timestamp(kind) or types.is_null(kind))


def holds_moments(column: pa.ChunkedArray) -> bool:
    """Say whether every filled text is an ISO 8601 date or moment that exists."""
    if not matches(column, rf"{DATE}|{MOMENT}({ZONE})?$"):
        return False
    try:
        parse_moments(column)
    except pa.ArrowInvalid:
        return False
    return True


def as_moments(column: pa.ChunkedArray, unit: Unit = "us") -> pa.ChunkedArray:
    """Return dates, timestamps or ISO text as timestamps in UTC without zone.

    Parameters
    ----------
    unit : {"us", "ns"}
        Finer times are cut, not refused: no split or feature looks below a microsecond.

    Raises
    ------
    pyarrow.ArrowInvalid
        A text is not a moment that exists, or a moment is too far away for the unit.
    """
    values = decoded(column)
    if is_text(values.type):
        values = parse_moments(values)
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
    return values.cast(pa.timestamp(unit), safe=unit == "ns")


def require_moments(column: pa.ChunkedArray, unit: Unit = "us", *, where: str, hint: str = HINT) -> pa.ChunkedArray:
    """Return what `as_moments` does, missing ones as nulls.

    Parameters
    ----------
    where : str
        What the user calls the column, for messages.
    hint : str
        What to do about a column that holds something else.

    Raises
    ------
    mltrain.errors.DataError
        The column holds something else than moments.
    """
    kind = decoded(column).type
    if not can_be_moments(kind):
        raise DataError(f"values of type {kind} are no times", where=where, hint=hint)
    try:
        return as_moments(column, unit)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _no_moment(column, unit, where=where, hint=hint) from error


def _no_moment(column: pa.ChunkedArray, unit: Unit, *, where: str, hint: str) -> DataError:
    """Return the error for the first value that is not a moment, as it is written."""
    at = first_failing(column, lambda part: as_moments(part, unit))
    value = decoded(column.slice(at, 1))
    if not is_text(value.type):
        return DataError(f"{value.cast(pa.string())[0].as_py()} is too far away to be a time", where=where, hint=hint)
    if matches(value, OTHER_DATE):
        hint = f"write dates as ISO 8601 text, such as {_EXAMPLE}, in the source: others may mean one day or another"
    return DataError(f"{value[0].as_py()!r} is not a time", where=where, hint=hint)


def parse_moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ISO 8601 text as timestamp[us] in UTC without zone, blanks as nulls; no zone is read as UTC.

    Raises
    ------
    pyarrow.ArrowInvalid
        A text is not a moment that exists.
    """
    texts = filled(column).cast(pa.string())
    texts = pc.replace_substring_regex(texts, r"(\.\d{6})\d+", r"\1")
    is_date = pc.match_substring_regex(texts, DATE)
    texts = pc.if_else(is_date, pc.binary_join_element_wise(texts, "T00:00:00", ""), texts)
    has_zone = pc.match_substring_regex(texts, rf":\d{{2}}(\.\d+)?{ZONE}")
    texts = pc.if_else(has_zone, texts, pc.binary_join_element_wise(texts, "Z", ""))
    return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
