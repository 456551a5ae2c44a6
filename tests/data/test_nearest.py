"""Hints about names that do not exist."""

from __future__ import annotations

import pytest

from mltrain.data.nearest import suggest, suggest_each


@pytest.mark.parametrize(("name", "near"), [("incme", "Income"), ("INCOME", "Income"), ("Vergutung", "Vergütung")])
def test_a_near_name_is_proposed_as_it_is_written(name: str, near: str) -> None:
    assert suggest(name, ["age", "Income", "Vergütung"]) == f"did you mean {near!r}?"


def test_each_of_several_names_has_its_own_near_one() -> None:
    assert suggest_each(["age", "zip", "income"], ["Income", "Age", "more"]) == (
        "did you mean 'Age' for 'age', 'Income' for 'income'?"
    )
    assert suggest_each(["age"], ["Income", "Age"]) == "did you mean 'Age'?"
    assert suggest_each(["a", "b"], ["Income"]) == "there are: 'Income'"


def test_a_name_that_is_not_near_is_not_proposed() -> None:
    assert suggest("Nope", ["Income", "age"]) == "there are: 'Income', 'age'"


def test_ten_of_many_names_are_listed() -> None:
    assert suggest("nothing like it", [f"c{i}" for i in range(12)]).endswith("'c9' and 2 more")


def test_a_table_without_columns_is_told_as_one() -> None:
    assert suggest("age", []) == "there are no columns"
