from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from mltrain.audit.point_in_time import check_features, check_joins, with_time_findings
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.joined import JoinReport
from mltrain.data.splits import Finding
from mltrain.errors import DataError


def schema(**kinds: str) -> Schema:
    columns = tuple(Column(name=name, kind=ColumnKind(kind), arrow_type="") for name, kind in kinds.items())
    return Schema(columns=columns, target=Target(name="y", classes=("n", "j")))


def features(known_at: list[Any], closed: list[Any], **options: Any) -> list[Finding]:
    table = pa.table({"seen": known_at, "closed": closed})
    return list(check_features({"train": table}, schema(seen="date", closed="date"), time="seen", **options))


def test_a_date_after_the_labels_time_is_severe_and_says_where() -> None:
    (finding,) = features(
        [datetime(2024, 1, 1), datetime(2024, 1, 2), datetime(2024, 1, 3), datetime(2024, 1, 4)],
        [None, datetime(2024, 1, 2), datetime(2024, 1, 3, 0, 0, 1), datetime(2024, 2, 1)],
    )

    assert (finding.check, finding.severity, finding.columns, finding.count) == (
        "future_feature", "severe", ("closed",), 2,
    )  # fmt: skip
    assert finding.message == "closed is later than the label's time, seen, in 2 rows (50.0%)"
    assert finding.rows == {"train": (3, 4)}
    assert "data.known_ahead" in finding.advice


def test_a_labels_date_is_its_whole_day() -> None:
    assert not features([date(2024, 1, 1)], [datetime(2024, 1, 1, 23, 59)])
    assert not features(["2024-01-01"], ["2024-01-01T23:59:59"])
    assert features([date(2024, 1, 1)], [datetime(2024, 1, 2)])


def test_dates_that_are_known_ahead_are_not_asked_about() -> None:
    times = [datetime(2024, 1, 1)], [datetime(2025, 1, 1)]

    assert features(*times)
    assert not features(*times, known_ahead=["closed"])
    with pytest.raises(DataError, match="'closing'"):
        features(*times, known_ahead=["closing"])


@pytest.mark.parametrize(
    ("times", "kind"), [([1_700_000_000], "int64"), ([1.7e9], "double"), ([2023], "int64"), (["last week"], "string")]
)
def test_dates_that_cannot_be_compared_with_the_labels_time_are_told(times: list[Any], kind: str) -> None:
    (finding,) = features(times, [datetime(2024, 1, 1)])

    assert (finding.check, finding.severity, finding.columns) == ("uncompared_dates", "warning", ("seen", "closed"))
    assert finding.message == f"closed cannot be compared with the label's time: seen holds {kind} and no dates"
    assert "ISO 8601" in finding.advice
    assert not features(times, [datetime(2024, 1, 1)], known_ahead=["closed"])


def test_columns_that_are_not_learnt_from_and_labels_without_a_moment_say_nothing() -> None:
    table = pa.table({"year": [2023], "closed": [datetime(2024, 1, 1)], "seen": [datetime(2023, 1, 1)]})

    assert not list(check_features({"train": table}, schema(closed="dropped"), time="seen"))
    assert not list(check_features({"train": table}, schema(closed="date"), time=None))


def report(**changes: Any) -> JoinReport:
    return JoinReport(**{"origin": "usage", "columns": ("visits",), "n_rows": 10, "n_matched": 10, **changes})


@pytest.mark.parametrize(
    ("changes", "expected", "message"),
    [
        ({}, [], ""),
        ({"n_late": 0}, [], ""),
        (
            {"n_late": 3, "first_late": 4},
            [("late_rows", "warning", 3)],
            "usage: for 3 of 10 labels the row in force was written later, first in row 5: nobody could have known it",
        ),
        ({"n_late": 3, "first_late": 4, "uses_late": False}, [("late_rows", "info", 3)], "what was known then is used"),
        ({"n_matched": 7, "n_too_old": 2}, [("unmatched_labels", "info", 3)], "3 of 10 labels (30.0%) found no row, 2"),
        ({"n_matched": 4}, [("unmatched_labels", "warning", 6)], "6 of 10"),
        ({"n_matched": 0}, [("unmatched_labels", "severe", 10)], "10 of 10"),
        ({"n_undated": 2}, [("undated_rows", "info", 2)], "2 rows without a time"),
        ({"n_tied": 2, "tie_rule": "the last written is used"}, [("tied_rows", "info", 2)], "the last written is used"),
        ({"n_tied": 2}, [("tied_rows", "warning", 2)], "Feast uses any of them"),
    ],
)
def test_what_became_of_a_join_is_told(changes: dict, expected: list, message: str) -> None:
    findings = list(check_joins([report(**changes)]))

    assert [(f.check, f.severity, f.count) for f in findings] == expected
    assert all(message in finding.message for finding in findings)


def test_findings_are_sorted_into_the_audits_own() -> None:
    own = (Finding(check="a", severity="severe", message=""), Finding(check="b", severity="info", message=""))
    tables = {"train": pa.table({"seen": [datetime(2024, 1, 1)]})}

    found = with_time_findings(
        own, tables, schema(seen="date"), time="seen", joins=[report(n_late=1), report(n_matched=0)]
    )

    assert [f.check for f in found] == ["a", "unmatched_labels", "late_rows", "b"]


def test_the_test_rows_are_not_looked_at() -> None:
    early, late = datetime(2024, 1, 1), datetime(2025, 1, 1)
    tables = {
        "train": pa.table({"seen": [late], "closed": [early]}),
        "test": pa.table({"seen": [early], "closed": [late]}),
    }

    assert not list(check_features(tables, schema(seen="date", closed="date"), time="seen"))


def test_what_is_seen_in_a_sample_says_so_and_names_no_rows() -> None:
    early, late = datetime(2024, 1, 1), datetime(2025, 1, 1)
    tables = {"train": pa.table({"seen": [early], "closed": [late]})}
    columns = schema(seen="date", closed="date")

    (whole,) = with_time_findings([], tables, columns, time="seen", rows={"train": 1, "test": 5})
    (sampled,) = with_time_findings([], tables, columns, time="seen", rows={"train": 2_000, "test": 5})

    assert whole.rows == {"train": (1,)}
    assert sampled.message == f"{whole.message} (in a sample of 1 of 2,000 rows)"
    assert sampled.rows == {}
