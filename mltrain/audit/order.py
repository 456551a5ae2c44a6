"""Test rows that come from elsewhere, in a split by time: they must be later than those that models are chosen on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.audit.subject import Subject
from mltrain.data.moments import require_moments
from mltrain.data.splits import Finding
from mltrain.data.text import decoded
from mltrain.errors import DataError

MOST_SHOWN = 10
ADVICE = "name a data.test_source from after data.source, or split by another split.kind"


def check_order(subject: Subject) -> Iterator[Finding]:
    """Report test rows from before the end of validation; a test split that was cut off by time has none."""
    name = subject.schema.time
    before = [subject.tables[split] for split in ("validation", "calibration") if split in subject.tables]
    if subject.kind not in ("time", "group_time") or name is None or "test" not in subject.tables or not before:
        return
    test = subject.tables["test"]
    try:
        times = _times(test.column(name))
    except DataError as error:
        yield _unknown(name, test.num_rows, f"the times of the test rows cannot be read: {error.message}")
        return
    end = max(pc.max(_times(table.column(name))).as_py() for table in before if table.num_rows)
    early = np.flatnonzero(pc.fill_null(pc.less(times, pa.scalar(end, times.type)), fill_value=False).to_numpy())
    if len(early):
        yield Finding(
            check="test_order",
            severity="severe",
            message=f"{len(early):,} of {test.num_rows:,} test rows are from before the end of validation ({name}: "
            f"{end}): their scores do not tell what a model does later{subject.sample_note}",
            columns=(name,),
            count=len(early),
            advice=ADVICE,
            rows={"test": tuple(int(row) + 1 for row in early[:MOST_SHOWN])} if subject.is_whole("test") else {},
        )
    if times.null_count:
        yield _unknown(name, times.null_count, f"{times.null_count:,} test rows have no time")


def _times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return moments, or numbers such as years as they are."""
    values = decoded(column)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values
    return require_moments(values, where="the test split")


def _unknown(name: str, count: int, what: str) -> Finding:
    """Return the finding of test rows that nobody can place in time."""
    return Finding(
        check="test_order",
        severity="warning",
        message=f"{what}: whether they are from after validation is not known",
        columns=(name,),
        count=count,
        advice=f"fill {name} in data.test_source",
    )
