"""The point-in-time guard: nothing that a model learns from may be younger than its label.

Findings of an audit; they inform, and whether they stop anything is decided by the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.audit.subject import sample_note
from mltrain.data import ColumnKind, Schema
from mltrain.data.joined import JoinReport
from mltrain.data.moments import DATE, require_moments
from mltrain.data.nearest import suggest
from mltrain.data.splits import Finding, worst_first
from mltrain.data.text import decoded, is_text, matches
from mltrain.errors import DataError

MOSTLY = 0.5
MAX_ROWS = 5
_DAY_US = 86_400_000_000


def with_time_findings(
    findings: Sequence[Finding],
    tables: Mapping[str, pa.Table],
    schema: Schema,
    *,
    time: str | None,
    known_ahead: Sequence[str] = (),
    joins: Sequence[JoinReport] = (),
    rows: Mapping[str, int] | None = None,
) -> tuple[Finding, ...]:
    """Return an audit's findings with those of the guard, the severe ones first.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        The rows of each split, or a sample of them; the test rows are not looked at.
    time : str, optional
        Column of the label's time, where one is known.
    known_ahead : sequence of str
        Dates that are known before they come: never asked about.
    joins : sequence of JoinReport
        What became of the tables that features were joined from.
    rows : mapping of str to int, optional
        Rows of each split where ``tables`` are samples, whose rows have other numbers than those of the files.
    """
    seen = {name: table for name, table in tables.items() if name != "test"}
    own = list(check_features(seen, schema, time=time, known_ahead=known_ahead))
    note = "" if rows is None else sample_note(seen, rows)
    if note:
        own = [replace(finding, rows={}, message=f"{finding.message}{note}") for finding in own]
    return worst_first([*findings, *own, *check_joins(joins)])


def check_features(
    tables: Mapping[str, pa.Table], schema: Schema, *, time: str | None, known_ahead: Sequence[str] = ()
) -> Iterator[Finding]:
    """Report features that hold times later than their label's.

    Yields
    ------
    Finding
        One for each such column, severe: what it says cannot have been known. A label's time that is a date
        without an hour is its whole day. One more, a warning, where the label's time is no moment.

    Raises
    ------
    mltrain.errors.DataError
        ``known_ahead`` names a column that does not exist.
    """
    seen = {name: table for name, table in tables.items() if name != "test"}
    columns = [column.name for column in schema.columns]
    for name in known_ahead:
        if name not in columns:
            hint = suggest(name, columns)
            raise DataError(f"there is no column {name!r}", where="data.known_ahead", hint=hint)
    if time is None:
        return
    asked = [c.name for c in schema.features if c.kind is ColumnKind.DATE and c.name not in (time, *known_ahead)]
    known_at = {name: _label_moments(table, time) for name, table in seen.items()}
    if asked and any(moments is None for moments in known_at.values()):
        yield _incomparable(asked, time, kind=next(iter(seen.values())).schema.field(time).type)
    for column in asked:
        later = {name: _is_later(table.column(column), known_at[name]) for name, table in seen.items()}
        if any(rows.any() for rows in later.values()):
            yield _later(column, later, time)


def check_joins(reports: Sequence[JoinReport]) -> Iterator[Finding]:
    """Report tables that found little, and rows written after the label's time.

    Yields
    ------
    Finding
        A table that no label found anything in is severe; late rows that are used are a warning.
    """
    for report in reports:
        yield from _coverage(report)
        if report.n_late:
            yield _late(report)
        if report.n_tied:
            yield _tied(report)
        if report.n_undated:
            yield Finding(
                check="undated_rows",
                severity="info",
                message=f"{report.origin}: {report.n_undated} rows without a time are never used",
                columns=report.columns,
                count=report.n_undated,
            )


def _label_moments(table: pa.Table, time: str) -> pa.ChunkedArray | None:
    """Return the last moment that counts as the label's time; None where the column holds numbers, such as years."""
    column = table.column(time)
    moments = _moments(column)
    if moments is None:
        return None
    is_whole_day = pa.types.is_date(decoded(column).type) or (is_text(column.type) and matches(column, DATE))
    return pc.add(moments, pa.scalar(_DAY_US - 1, pa.duration("us"))) if is_whole_day else moments


def _moments(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return dates, timestamps or ISO text as moments, None for anything else."""
    try:
        return require_moments(column, where="")
    except DataError:  # a year, or text that is none: nothing to compare
        return None


def _is_later(column: pa.ChunkedArray, known_at: pa.ChunkedArray | None) -> NDArray[np.bool_]:
    """Return where a date is later than the label's time; nowhere when one of them holds no moments."""
    moments = None if known_at is None else _moments(column)
    if moments is None:
        return np.zeros(len(column), dtype=np.bool_)
    return np.asarray(pc.fill_null(pc.greater(moments, known_at), fill_value=False).to_numpy(), dtype=np.bool_)


def _incomparable(names: Sequence[str], time: str, *, kind: pa.DataType) -> Finding:
    """Return the finding of dates that cannot be compared with the label's time: seconds since 1970, years, words."""
    return Finding(
        check="uncompared_dates",
        severity="warning",
        message=f"{', '.join(names[:10])} cannot be compared with the label's time: {time} holds {kind} and no dates",
        columns=(time, *names),
        count=len(names),
        advice=f"write {time} as dates, timestamps or ISO 8601 text in the source",
    )


def _later(name: str, later: Mapping[str, NDArray[np.bool_]], time: str) -> Finding:
    """Return the finding of a column with times after the label's."""
    n_later = sum(int(rows.sum()) for rows in later.values())
    share = n_later / sum(len(rows) for rows in later.values())
    return Finding(
        check="future_feature",
        severity="severe",
        message=f"{name} is later than the label's time, {time}, in {n_later} rows ({share:.1%})",
        columns=(name,),
        count=n_later,
        advice=f"data.drop: [{name}], or data.known_ahead: [{name}] if it is known before it comes (a due date)",
        rows={
            split: tuple(int(row) + 1 for row in np.flatnonzero(rows)[:MAX_ROWS])
            for split, rows in later.items()
            if rows.any()
        },
        values={"share": round(share, 6)},
    )


def _coverage(report: JoinReport) -> Iterator[Finding]:
    """Report how many labels found nothing in a table."""
    n_without = report.n_rows - report.n_matched
    if not n_without:
        return
    share = n_without / report.n_rows
    too_old = f", {report.n_too_old} of them because of the maximal age" if report.n_too_old else ""
    advice = "compare keys, time zones and the maximal age of both tables" if share > MOSTLY else ""
    if not report.uses_late and share > MOSTLY:
        advice += "; rows written after the label's time are left out (late_rows)"
    yield Finding(
        check="unmatched_labels",
        severity="severe" if not report.n_matched else "warning" if share > MOSTLY else "info",
        message=f"{report.origin}: {n_without} of {report.n_rows} labels ({share:.1%}) found no row{too_old}",
        columns=report.columns,
        count=n_without,
        advice=advice,
    )


def _tied(report: JoinReport) -> Finding:
    """Return the finding of rows of one key and one time."""
    is_chance = not report.tie_rule
    rule = report.tie_rule or "Feast uses any of them"
    return Finding(
        check="tied_rows",
        severity="warning" if is_chance else "info",
        message=f"{report.origin}: {report.n_tied} of {report.n_rows} labels found several rows of one time; {rule}",
        columns=report.columns,
        count=report.n_tied,
        advice="keep one row of a key and time, or use a created_timestamp_column with another offline store than file"
        if is_chance
        else "",
    )


def _late(report: JoinReport) -> Finding:
    """Return the finding of rows that were written after the label's time."""
    first = "" if report.first_late is None else f", first in row {report.first_late + 1}"
    found = f"{report.origin}: for {report.n_late} of {report.n_rows} labels the row in force was written later{first}"
    if not report.uses_late:
        return Finding(
            check="late_rows",
            severity="info",
            message=f"{found}; what was known then is used instead",
            columns=report.columns,
            count=report.n_late,
        )
    return Finding(
        check="late_rows",
        severity="warning",
        message=f"{found}: nobody could have known it then",
        columns=report.columns,
        count=report.n_late,
        advice="set late_rows: leave_out, unless the table was written anew as a whole",
    )
