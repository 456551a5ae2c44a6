"""Faults that were planted are found, named and graded; nothing is found where nothing was planted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from mltrain.audit import Finding, Totals

N = 1500
TEST = slice(1200, N)
Audit = Callable[..., dict[str, Finding]]


def test_a_clean_table_leaves_nothing_but_its_classes(columns: dict[str, Any], audit: Audit) -> None:
    found = audit(columns)

    assert list(found) == ["classes"]
    assert found["classes"].severity == "info"


def test_infinite_values_are_told_and_leave_other_checks_alone(columns: dict[str, Any], audit: Audit) -> None:
    balance = columns["balance"].copy()
    balance[:200], balance[200:400], balance[1300:] = np.inf, -np.inf, np.inf

    found = audit({**columns, "balance": balance})

    assert (found["infinite"].severity, found["infinite"].columns) == ("info", ("balance",))
    assert found["infinite"].message == "infinite values are read as missing: balance in 400 rows"
    assert found["infinite"].values == {"balance": 400.0}
    assert found["infinite"].advice.startswith("mostly a division by zero")


def test_a_copy_of_the_target_is_severe(columns: dict[str, Any], audit: Audit) -> None:
    codes = (columns["y"] == "yes") * 7.0

    found = audit({**columns, "closed": codes})["leak"]

    assert (found.severity, found.columns) == ("severe", ("closed",))
    assert found.message == "closed alone tells the target: AUC 1.000 (1.000 to 1.000)"
    assert found.advice.endswith("data.drop: [closed]")
    assert found.values == {"auc": 1.0, "low": 1.0, "high": 1.0}


def test_a_column_filled_only_after_the_outcome_is_a_leak(columns: dict[str, Any], audit: Audit) -> None:
    is_churned = columns["y"] == "yes"
    closed = np.where(is_churned, np.arange(N) / 7, np.nan)

    assert audit({**columns, "days_to_close": closed})["leak"].columns == ("days_to_close",)


def test_a_column_that_almost_tells_is_a_warning(columns: dict[str, Any], audit: Audit) -> None:
    rng = np.random.default_rng(1)
    noisy = (columns["y"] == "yes") + rng.normal(0, 0.35, N)

    found = audit({**columns, "noisy": noisy})["leak"]

    assert found.severity == "warning"
    assert 0.95 < found.values["auc"] < 0.99
    assert found.values["low"] < found.values["auc"] < found.values["high"]


def test_one_of_three_classes_need_not_be_told_for_a_leak(columns: dict[str, Any], audit: Audit) -> None:
    rng = np.random.default_rng(1)
    y = rng.choice(["a", "b", "c"], N)

    found = audit({**columns, "y": y, "code": np.array([{"a": 3, "b": 1, "c": 2}[label] for label in y])})

    assert found["leak"].columns == ("code",)
    assert found["leak"].values["auc"] == 1.0


def test_a_customer_on_both_sides_is_severe_where_the_config_names_it(columns: dict[str, Any], audit: Audit) -> None:
    customers = np.arange(N) // 4
    customers[1250] = 3

    found = audit({**columns, "customer": customers}, group="customer")["groups"]

    assert (found.severity, found.count) == ("severe", 1)


def test_a_customer_id_that_nobody_declared_is_found_on_both_sides(columns: dict[str, Any], audit: Audit) -> None:
    customers = np.random.default_rng(3).integers(0, 400, N) + 10_000

    found = audit({**columns, "customer_id": customers})["entities"]

    assert (found.severity, found.columns) == ("warning", ("customer_id",))
    assert found.advice.endswith("split.kind: group, split.group_column: customer_id")


def test_whole_groups_on_one_side_are_no_finding(columns: dict[str, Any], audit: Audit) -> None:
    customers = np.arange(N) // 4

    assert "groups" not in audit({**columns, "customer": customers}, group="customer")
    assert "entities" not in audit({**columns, "customer_id": customers})


def test_a_constant_is_named(columns: dict[str, Any], audit: Audit) -> None:
    found = audit({**columns, "currency": ["EUR"] * N})["constant"]

    assert (found.severity, found.columns) == ("warning", ("currency",))
    assert found.advice.startswith("data.drop: [currency]")


def test_an_id_is_named(columns: dict[str, Any], audit: Audit) -> None:
    found = audit({**columns, "row_id": np.arange(N)})["id_like"]

    assert (found.severity, found.columns) == ("info", ("row_id",))


def test_whole_numbers_that_all_differ_are_an_id_whatever_they_are_called(
    columns: dict[str, Any], audit: Audit
) -> None:
    found = audit({**columns, "policy": 500 + np.random.default_rng(2).permutation(N)})["id_like"]

    assert (found.severity, found.columns) == ("warning", ("policy",))
    assert found.advice == "if they name rows: data.id_columns: [policy]"


def test_rows_that_came_twice_do_not_hide_an_id(columns: dict[str, Any], audit: Audit) -> None:
    rows = np.concatenate([np.arange(N - 60), np.arange(60)])[np.random.default_rng(7).permutation(N)]
    numbered = {**columns, "row_id": np.arange(N), "policy": 500 + np.random.default_rng(2).permutation(N)}

    table = {name: np.asarray(values)[rows] for name, values in numbered.items()}
    found = audit(table)["id_like"]

    assert (found.severity, found.columns) == ("warning", ("policy",))


def test_numbers_as_text_come_with_the_line_to_write(columns: dict[str, Any], audit: Audit) -> None:
    texts = [" " if i % 50 == 0 else f"{value:.2f}" for i, value in enumerate(columns["income"])]

    found = audit({**columns, "income": texts})["numbers_as_text"]

    assert found.message == "income: numbers stored as text are read as numbers (24 blank ones as missing)"
    assert "data.columns: {income: numeric}" in found.advice


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (
            lambda i, v: "unknown" if i % 30 == 0 else f"{v:.1f}",
            "96.7% of the texts are numbers; the others: 'unknown'",
        ),
        (lambda i, v: f"{v:,.0f} €", "numbers written with units or separators"),
        (lambda i, v: f"{v if i % 3 else v % 900:,.2f}", "numbers written with units or separators, such as '"),
        (lambda i, v: f"{v:.2f}".replace(".", ","), "numbers written with a decimal comma, such as '"),
    ],
)
def test_numbers_that_are_not_quite_numbers_are_a_warning(
    columns: dict[str, Any], audit: Audit, odd: Callable[[int, float], str], message: str
) -> None:
    found = audit({**columns, "income": [odd(i, v) for i, v in enumerate(columns["income"])]})["numbers_as_text"]

    assert found.severity == "warning"
    assert message in found.message


def test_amounts_that_hardly_repeat_are_no_ids_but_amounts(columns: dict[str, Any], audit: Audit) -> None:
    texts = [f"{value * 7:,.2f}" for value in columns["income"]]
    texts[::30] = ["1,000.00"] * len(texts[::30])

    found = audit({**columns, "income": texts})

    assert found["numbers_as_text"].columns == ("income",)
    assert not {"id_like", "entities"} & found.keys()


def test_a_decimal_comma_comes_with_the_line_to_write(columns: dict[str, Any], audit: Audit) -> None:
    texts = [f"{value % 300:.1f}".replace(".", ",") for value in columns["income"]]

    found = audit({**columns, "price": texts})

    assert found["numbers_as_text"].advice.startswith("CSV: data.options.decimal_point: ','; else write plain numbers")
    assert "entities" not in found


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d.%m.%y", "%m/%d/%Y %H:%M", "%d %b %Y", "%Y/%m/%d"])
def test_dates_in_another_form_are_no_cases_seen_twice(columns: dict[str, Any], audit: Audit, form: str) -> None:
    days = [(datetime(2021, 1, 1) + timedelta(days=i % 400)).strftime(form) for i in range(N)]

    found = audit({**columns, "joined": days})

    assert (found["dates_as_text"].severity, found["dates_as_text"].columns) == ("warning", ("joined",))
    assert f"such as {days[0]!r}" in found["dates_as_text"].message
    assert found["dates_as_text"].advice.startswith("write them as 2021-05-17 in the source")
    assert "entities" not in found


def test_a_dates_column_that_hardly_repeats_is_told_too(columns: dict[str, Any], audit: Audit) -> None:
    days = [(datetime(2018, 1, 1) + timedelta(days=i)).strftime("%d/%m/%Y") for i in range(N)]

    assert audit({**columns, "joined": days})["dates_as_text"].columns == ("joined",)


def test_two_columns_that_became_one_are_of_mixed_types(columns: dict[str, Any], audit: Audit) -> None:
    mixed = [f"{value:.1f}" if i % 3 else str(columns["region"][i]) for i, value in enumerate(columns["age"])]

    found = audit({**columns, "where": mixed})["mixed_types"]

    assert found.severity == "warning"
    assert found.message.startswith("where: numbers in 66.7% of the rows, other text such as")


def test_one_level_spelt_in_two_ways_is_told(columns: dict[str, Any], audit: Audit) -> None:
    plans = [f"{plan.title()} " if i % 40 == 0 else str(plan) for i, plan in enumerate(columns["plan"])]

    found = audit({**columns, "plan": plans})["spelling"]

    assert "'basic' = 'Basic '" in found.message


def test_columns_that_say_the_same_are_paired(columns: dict[str, Any], audit: Audit) -> None:
    codes = {"north": 1, "south": 2, "east": 3, "west": 4}
    more = {"cents": columns["income"] * 100, "region_code": [codes[region] for region in columns["region"]]}

    found = audit({**columns, **more})["near_duplicate_columns"]

    assert found.message == "columns that say the same: income = cents; region = region_code"


def test_very_many_levels_are_counted(columns: dict[str, Any], audit: Audit) -> None:
    found = audit({**columns, "street": [f"street {i % 300}" for i in range(N)]})["many_levels"]

    assert found.values == {"street": 300.0}


def test_a_drifted_column_drives_the_adversarial_auc(columns: dict[str, Any], audit: Audit) -> None:
    columns["balance"][TEST] = columns["balance"][TEST] * 100

    found = audit(columns)["drift"]

    assert found.severity == "severe"
    assert found.columns[0] == "balance"
    assert found.values["low"] > 0.9
    assert found.advice.startswith("find out why balance differs")


def test_texts_that_hardly_repeat_do_not_tell_the_sides_apart(columns: dict[str, Any], audit: Audit) -> None:
    texts = np.array([f"case {i}" for i in np.random.default_rng(4).permutation(N)])
    texts[::8] = "none"  # as often as keeps it from being an id

    found = audit({**columns, "remark": texts})

    assert "drift" not in found


def test_levels_of_one_side_alone_are_drift_however_equal_their_counts(columns: dict[str, Any], audit: Audit) -> None:
    branches = [f"old {i % 20}" if i < TEST.start else f"new {i % 20}" for i in range(N)]

    found = audit({**columns, "branch": branches})["drift"]

    assert found.severity == "severe"
    assert found.columns == ("branch",)


def test_drift_in_a_split_by_time_is_no_fault_of_the_split(columns: dict[str, Any], audit: Audit) -> None:
    days = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(N)]

    steady = audit({**columns, "day": days}, time="day", kind="time")
    columns["balance"][TEST] += 5_000
    drifted = audit({**columns, "day": days}, time="day", kind="time")

    assert "drift" not in steady
    assert drifted["drift"].severity == "warning"


def test_a_test_value_that_does_not_fit_is_found_before_evaluate(columns: dict[str, Any], audit: Audit) -> None:
    texts = [f"{value:.2f}" for value in columns["income"]]
    texts[1300] = "n/k"

    found = audit({**columns, "income": texts})["misfit"]

    assert found.severity == "severe"
    assert "'n/k' is not a number" in found.message


def test_totals_of_all_rows_stand_in_for_those_of_a_sample(columns: dict[str, Any], audit: Audit) -> None:
    for values in columns.values():
        values[1200:1210] = values[0:10]
    rows = {"train": 90_000, "validation": 30_000, "test": 30_000}
    totals = Totals(rows=rows, classes={name: (n - 300, 300) for name, n in rows.items()}, n_kept_out=7)

    found = audit(columns, totals=totals)

    assert found["classes"].message == "2 classes: yes 0.6%, no 99.4%"
    assert found["duplicates"].message.endswith("(in a sample of 1,500 of 150,000 rows)")
    assert found["duplicates"].rows == {}
    assert found["kept_out"].count == 7
