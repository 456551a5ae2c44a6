"""Test rows of another source are later than validation, or it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from mltrain.audit import Finding

N = 1500
Audit = Callable[..., dict[str, Finding]]
TIMES = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(N)]
EARLY = [*TIMES[:1200], *(moment - timedelta(days=100) for moment in TIMES[1200:1450]), *TIMES[1450:]]


@pytest.mark.parametrize("kind", ["time", "group_time"])
@pytest.mark.parametrize(
    "write", [lambda times: times, lambda times: [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in times]]
)
def test_test_rows_from_before_the_end_of_validation_are_severe(
    columns: dict[str, Any], audit: Audit, kind: str, write: Any
) -> None:
    found = audit({**columns, "at": write(EARLY)}, time="at", kind=kind)["test_order"]

    assert (found.severity, found.count, found.columns) == ("severe", 250, ("at",))
    assert found.message.startswith(
        "250 of 300 test rows are from before the end of validation (at: 2024-02-19 23:00:00)"
    )
    assert found.rows == {"test": tuple(range(1, 11))}
    assert "test_source" in found.advice


def test_years_of_the_test_rows_are_compared_too(columns: dict[str, Any], audit: Audit) -> None:
    years = np.repeat([2020, 2021, 2020, 2021, 2022], 300)

    assert audit({**columns, "year": np.sort(years)}, time="year", kind="time").keys() == {"classes"}
    found = audit({**columns, "year": np.append(np.sort(years)[300:], [2020] * 300)}, time="year", kind="time")
    assert found["test_order"].count == 300


def test_test_rows_without_a_time_are_told(columns: dict[str, Any], audit: Audit) -> None:
    found = audit({**columns, "at": [*TIMES[:1300], *[None] * 200]}, time="at", kind="time")["test_order"]

    assert (found.severity, found.count) == ("warning", 200)
    assert found.message == "200 test rows have no time: whether they are from after validation is not known"


def test_only_splits_by_time_have_an_order(columns: dict[str, Any], audit: Audit) -> None:
    assert "test_order" not in audit({**columns, "at": EARLY}, time="at")
    assert "test_order" not in audit({**columns, "at": TIMES}, time="at", kind="time")
