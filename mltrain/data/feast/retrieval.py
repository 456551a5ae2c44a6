"""Rows with the features that a store has for them: none lost, in their order, in the types that were declared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data.asof import Dated, look_up
from mltrain.data.asof.keys import required_times
from mltrain.data.asof.matching import NOTHING
from mltrain.data.feast.bridge import TIME, WRITTEN
from mltrain.data.feast.process import Answer, Request, ViewAnswer, ask
from mltrain.data.joined import Joined, JoinReport
from mltrain.data.nearest import listed, suggest
from mltrain.data.text import decoded, is_missing
from mltrain.errors import DataError

DECLARED = {
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "UNIX_TIMESTAMP": pa.timestamp("us", "UTC"),
}


def retrieve(rows: pa.Table, request: Request, *, origin: str) -> Joined:
    """Return rows with the features asked for, as they stood at each row's time.

    Parameters
    ----------
    rows : pyarrow.Table of n_samples rows
        With the keys of the entities and the time.
    origin : str
        What the user calls the rows, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A row has no time, Feast lost a row that it has features for, or a feature is not of its declared type.
    mltrain.errors.MltrainError
        As `mltrain.data.feast.process.ask`.
    """
    if request.time not in rows.column_names:
        hint = suggest(request.time, rows.column_names)
        raise DataError(f"there is no column {request.time!r}", where=f"{origin}, data.options", hint=hint)
    sent = _sendable(rows, request.time, origin=origin)
    answer = ask(request, sent)
    if answer.features.num_rows != rows.num_rows:
        message = f"Feast returned {answer.features.num_rows} of {rows.num_rows} rows"
        raise DataError(message, where=f"feature store {request.repo}", hint="try the same with Feast alone")
    reports = tuple(_checked(sent, view, answer, request, origin=origin) for view in answer.views)
    return Joined(table=_with_features(rows, answer, request, origin=origin), reports=reports)


def _sendable(rows: pa.Table, time: str, *, origin: str) -> pa.Table:
    """Return the rows with their time in UTC and without what pandas has no type for."""
    times = required_times(rows.column(time), "us", where=f"{origin}, column {time!r}")
    moments = pa.array(times, pa.int64()).cast(pa.timestamp("us", "UTC"))
    columns = {
        field.name: decoded(rows.column(field.name)) for field in rows.schema if not pa.types.is_nested(field.type)
    }
    return pa.table({**columns, time: moments})


def _checked(sent: pa.Table, view: ViewAnswer, answer: Answer, request: Request, *, origin: str) -> JoinReport:
    """Return the report of a view; what it lost must be what it has nothing for, by our own reckoning.

    Feast's file store drops a row whose entity has rows, but none in force at its time. Whether that is why a row is
    missing can be seen from the view's own times; a row that is missing for another reason is refused.
    """
    where = f"feature store {request.repo}, feature view {view.name!r}"
    if view.times is None:
        if view.lost:
            message = f"Feast lost {len(view.lost)} of {sent.num_rows} rows, first row {view.lost[0] + 1}"
            raise DataError(message, where=where, hint="try the same with Feast alone")
        return JoinReport(origin=view.name, columns=view.columns, n_rows=sent.num_rows, n_matched=sent.num_rows)
    dated = Dated(
        table=view.times,
        origin=view.name,
        keys={key: key for key in view.keys},
        time=TIME,
        written=WRITTEN if view.has_written else None,
        max_age=None if view.ttl_us is None else timedelta(microseconds=view.ttl_us),
    )
    matches, report = look_up(sent, dated, time=request.time, leave_out_late=request.leave_out_late, origin=origin)
    missed = np.asarray(view.lost, dtype=np.int64)
    wrong = missed[matches.rows[missed] != NOTHING]
    if len(wrong):
        message = f"Feast lost {len(wrong)} of {sent.num_rows} rows that it has features for, first row {wrong[0] + 1}"
        raise DataError(message, where=where, hint="try the same with Feast alone")
    _require_nothing_else(answer, view, matches.rows == NOTHING, where=where)
    is_known = answer.breaks_ties and view.has_written
    return replace(report, columns=view.columns, tie_rule=report.tie_rule if is_known else "")


def _require_nothing_else(answer: Answer, view: ViewAnswer, without: NDArray[np.bool_], *, where: str) -> None:
    """Refuse features of rows for which the view has nothing in force: its file store uses rows without a time."""
    for name in view.columns:
        given = without & ~is_missing(answer.features.column(name))
        if given.any():
            message = f"Feast gave {name!r} to {int(given.sum())} rows for which nothing was in force"
            first = f", first row {int(given.argmax()) + 1}"
            raise DataError(message + first, where=where, hint="remove rows without a time from the view's source")


def _with_features(rows: pa.Table, answer: Answer, request: Request, *, origin: str) -> pa.Table:
    """Return the rows followed by the features in the types that the store declares."""
    present = [name for name in answer.types if name in rows.column_names]
    if present:
        message = f"columns stand in both tables: {listed(present)}"
        hint = "rename them in the rows, or set data.options.full_feature_names"
        raise DataError(message, where=f"feature store {request.repo}, joined to {origin}", hint=hint)
    for name, declared in answer.types.items():
        rows = rows.append_column(name, _restored(answer.features.column(name), name, declared, request))
    return rows


def _restored(column: pa.ChunkedArray, name: str, declared: str, request: Request) -> pa.ChunkedArray:
    """Return a feature in its declared type: integers that pandas made floats, text that it made objects."""
    kind = DECLARED.get(declared)
    if kind is None or column.type == kind:
        return column
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        if pa.types.is_timestamp(kind):
            zoned = column if pa.types.is_timestamp(column.type) and column.type.tz else column.cast(pa.timestamp("ns"))
            return zoned.cast(kind, safe=False)
        if pa.types.is_boolean(kind) and not pa.types.is_boolean(column.type):
            column = column.cast(pa.float64())
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"feature {name!r} is declared {declared} and holds other values: {error}",
            where=f"feature store {request.repo}",
            hint="declare it as what it is in the feature view",
        ) from error
