"""Cases on two sides, planted: found, counted and graded; by chance alone nothing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mltrain.audit import Finding

Audit = Callable[..., dict[str, Finding]]


def test_duplicates_across_splits_are_found_with_their_rows(columns: dict[str, Any], audit: Audit) -> None:
    for values in columns.values():
        values[1200:1210] = values[0:10]

    found = audit(columns)["duplicates"]

    assert (found.severity, found.count) == ("warning", 10)
    assert found.rows == {"test": tuple(range(1, 11))}
    assert found.message.endswith("10 of 300 in test")


def test_test_rows_are_looked_for_in_validation_too(columns: dict[str, Any], audit: Audit) -> None:
    for values in columns.values():
        values[1200:1500] = values[[*range(150), *range(900, 1050)]]

    found = audit(columns)

    assert (found["duplicates"].severity, found["duplicates"].count) == ("severe", 300)
    assert (
        found["duplicates"].message
        == "rows that also stand in another split, features and label alike: 300 of 300 in test"
    )


def test_a_row_of_hundreds_that_came_twice_is_told_but_not_warned_of(columns: dict[str, Any], audit: Audit) -> None:
    for name, values in columns.items():
        values[1200] = values[0]
        if name != "visits":
            values[1201] = values[1]
    columns["visits"][1201] = columns["visits"][1] + 1

    found = audit(columns)

    assert (found["duplicates"].severity, found["duplicates"].count) == ("info", 1)
    assert found["duplicates"].rows == {"test": (1,)}
    assert found["duplicates"].advice.startswith("if they are the same case")
    assert (found["near_duplicates"].severity, found["near_duplicates"].count) == ("info", 1)


def test_many_duplicates_are_severe(columns: dict[str, Any], audit: Audit) -> None:
    for values in columns.values():
        values[1200:1240] = values[0:40]

    assert audit(columns)["duplicates"].severity == "severe"


def test_rows_alike_by_chance_are_told_but_not_warned_of(columns: dict[str, Any], audit: Audit) -> None:
    coarse = {name: columns[name] for name in ("plan", "region", "y")}

    found = audit(coarse)

    assert found["duplicates"].severity == "info"
    assert "too coarse" in found["duplicates"].advice
    assert "near_duplicates" not in found


@pytest.mark.parametrize("first", [0, 900])
def test_one_case_with_another_value_in_one_column_is_a_near_duplicate(
    columns: dict[str, Any], audit: Audit, first: int
) -> None:
    for values in columns.values():
        values[1200:1205] = values[first : first + 5]
    columns["visits"][1200:1205] += 1

    found = audit(columns)["near_duplicates"]

    assert (found.severity, found.columns, found.count) == ("warning", ("visits",), 5)
