"""Dated tables joined to labels as they stood at each label's time: point in time correct, without a feature store.

Knows tables in memory, not where they came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data.asof.keys import common_unit, key_codes, required_times, times_of
from mltrain.data.asof.matching import BYTES_A_ROW, NEVER_WRITTEN, NOTHING, DatedRows, Matches, match_rows
from mltrain.data.joined import Joined, JoinReport
from mltrain.data.moments import Unit
from mltrain.data.nearest import listed, suggest
from mltrain.data.text import is_missing
from mltrain.errors import DataError

__all__ = ["Dated", "join_asof", "join_bytes", "look_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """A table whose rows say what was known of a key from a time on.

    Attributes
    ----------
    origin : str
        What the user calls it.
    keys : mapping of str to str
        Column of the labels to column of the table.
    time : str
        Column that says from when on a row holds.
    written : str, optional
        Column that says when a row was written.
    columns : sequence of str
        Columns to take; empty: all but keys and times.
    described : str
        Where the config describes the table, such as ``data.asof.tables.0``, for messages.
    """

    table: pa.Table
    origin: str
    keys: Mapping[str, str]
    time: str
    written: str | None = None
    max_age: timedelta | None = None
    columns: Sequence[str] = ()
    prefix: str = ""
    described: str = ""

    @property
    def taken(self) -> Mapping[str, str]:
        """Columns to take, by their names after the join."""
        besides = {*self.keys.values(), self.time, self.written}
        names = self.columns or [name for name in self.table.column_names if name not in besides]
        return {f"{self.prefix}{name}": name for name in names}

    @property
    def row_bytes(self) -> float:
        """Bytes that the columns to take have in a row, on average."""
        there = [name for name in self.taken.values() if name in self.table.column_names]
        return float(self.table.select(there).nbytes / max(self.table.num_rows, 1))


def join_asof(
    labels: pa.Table, tables: Sequence[Dated], *, time: str, leave_out_late: bool = False, origin: str = "the labels"
) -> Joined:
    """Return the labels with the columns of every dated table, each as it stood at the label's time.

    A label takes the last row of its keys that holds from at most its time on and is no older than the table's
    maximal age, both bounds included; where there is none, or a key is missing, the columns are null. Of rows with
    one key and one time the last written counts. Rows of the labels, their order and all types are kept.

    Parameters
    ----------
    labels : pyarrow.Table of n_samples rows
    time : str
        Column of the labels: the time as of which each is looked at.
    leave_out_late : bool
        Look past rows that were written after the label's time.
    origin : str
        What the user calls the labels, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A column does not exist or is there already, a label has no time, or keys can never be equal.

    Examples
    --------
    >>> labels = pa.table({"who": [1, 1], "at": ["2024-01-31", "2024-02-29"]})
    >>> usage = pa.table({"who": [1, 1], "since": ["2024-01-31", "2024-02-10"], "visits": [3, 8]})
    >>> dated = Dated(table=usage, origin="usage", keys={"who": "who"}, time="since")
    >>> join_asof(labels, [dated], time="at").table["visits"].to_pylist()
    [3, 8]
    """
    table, reports = labels, []
    for dated in tables:
        matches, report = look_up(labels, dated, time=time, leave_out_late=leave_out_late, origin=origin)
        present = [name for name in dated.taken if name in table.column_names]
        if present:
            raise DataError(
                f"columns stand in both tables: {listed(present)}",
                where=f"{dated.origin}, joined to {origin}",
                hint="set a prefix, or take fewer columns",
            )
        rows = pa.array(matches.rows, mask=matches.rows == NOTHING)
        for name, column in dated.taken.items():
            table = table.append_column(name, dated.table.column(column).take(rows))
        reports.append(report)
    return Joined(table=table, reports=tuple(reports))


def join_bytes(n_labels: int, tables: Sequence[Dated]) -> int:
    """Return about how many bytes `join_asof` takes besides labels and tables: the columns taken, and its work."""
    taken = sum(n_labels * dated.row_bytes for dated in tables)
    return int(taken) + max((BYTES_A_ROW * (n_labels + dated.table.num_rows) for dated in tables), default=0)


def look_up(
    labels: pa.Table, dated: Dated, *, time: str, leave_out_late: bool = False, origin: str = "the labels"
) -> tuple[Matches, JoinReport]:
    """Return which row of a dated table each label sees, and what is to be said of it.

    Raises
    ------
    mltrain.errors.DataError
        As `join_asof`.
    """
    _check_columns(labels, [time], where=origin)
    _check_keys(labels, dated, origin=origin)
    besides = [] if dated.written is None else [dated.written]
    _check_columns(dated.table, [dated.time, *besides, *dated.columns], where=_where(dated.origin, dated.described))
    looked_at = [labels.column(time), *(dated.table.column(name) for name in (dated.time, *besides))]
    unit = common_unit(looked_at)
    times = required_times(labels.column(time), unit, where=f"{origin}, column {time!r}")
    held_since = times_of(dated.table.column(dated.time), unit, where=f"{dated.origin}, column {dated.time!r}")
    undated = is_missing(held_since)
    kept = np.flatnonzero(~undated)
    table = dated.table.take(pa.array(kept)) if undated.any() else dated.table
    rows = DatedRows(
        times=held_since.drop_null().to_numpy() if undated.any() else np.asarray(held_since.to_numpy()),
        written=_written(table, dated, unit),
    )
    codes = key_codes(labels, table, dated.keys, origin=dated.origin)
    max_age = None if dated.max_age is None else dated.max_age // timedelta(microseconds=1) * _PER_US[unit]
    found = match_rows(codes, times, rows, max_age=max_age, leave_out_late=leave_out_late)
    if undated.any():
        there = found.rows != NOTHING
        positions = np.where(there, kept[np.maximum(found.rows, 0)] if len(kept) else NOTHING, NOTHING)
        found = replace(found, rows=positions)
    return found, _report(found, dated, n_undated=int(undated.sum()), uses_late=not leave_out_late)


_PER_US = {"us": 1, "ns": 1000}


def _written(table: pa.Table, dated: Dated, unit: Unit) -> np.ndarray | None:
    """Return when each row of a dated table was written, None where it does not say."""
    if dated.written is None:
        return None
    written = times_of(table.column(dated.written), unit, where=f"{dated.origin}, column {dated.written!r}")
    return np.asarray(pc.fill_null(written, NEVER_WRITTEN).to_numpy())


def _report(found: Matches, dated: Dated, *, n_undated: int, uses_late: bool) -> JoinReport:
    """Return what is to be said of a join."""
    n_late = int(found.is_late.sum())
    return JoinReport(
        origin=dated.origin,
        columns=tuple(dated.taken),
        n_rows=len(found.rows),
        n_matched=int((found.rows != NOTHING).sum()),
        n_too_old=int(found.is_too_old.sum()),
        n_undated=n_undated,
        n_late=None if dated.written is None else n_late,
        first_late=int(found.is_late.argmax()) if n_late else None,
        uses_late=uses_late,
        n_tied=int(found.is_tied.sum()),
        tie_rule="the last written is used" if dated.written is not None else "the last in the table is used",
    )


def _check_columns(table: pa.Table, names: Sequence[str], *, where: str) -> None:
    """Refuse a column that does not exist."""
    for name in names:
        if name not in table.column_names:
            raise DataError(f"there is no column {name!r}", where=where, hint=suggest(name, table.column_names))


def _check_keys(labels: pa.Table, dated: Dated, *, origin: str) -> None:
    """Refuse a key that one of the tables does not have, with the form for keys that they name differently."""
    place = f"{dated.described}.keys" if dated.described else ""
    for ours, theirs in dated.keys.items():
        sides = (
            (ours, labels, origin, f"{{COLUMN OF {origin}: {theirs}}}"),
            (theirs, dated.table, dated.origin, f"{{{ours}: COLUMN OF {dated.origin}}}"),
        )
        for name, table, whose, form in sides:
            if name not in table.column_names:
                hint = f"{suggest(name, table.column_names)}; where the tables name a key differently: keys: {form}"
                raise DataError(f"there is no column {name!r}", where=_where(whose, place), hint=hint)


def _where(origin: str, place: str) -> str:
    """Return a table and where the config describes it."""
    return f"{origin}, {place}" if place else origin
