from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable

import pyarrow as pa
import pytest

from mltrain.data.columns import infer_columns
from mltrain.errors import ConfigError, DataError

N = 120
TARGET = pa.array(["a", "b"] * (N // 2))


def kind_of(values: pa.Array | list, name: str = "x", **roles: object) -> str:
    table = pa.table({name: values, "y": TARGET})
    (column,) = infer_columns(table, target="y", **{"overrides": {}, **roles})
    return column.kind.value


def reason_of(values: pa.Array | list, name: str = "x") -> str:
    (column,) = infer_columns(pa.table({name: values, "y": TARGET}), target="y", overrides={})
    return column.reason


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([True, False] * (N // 2)), "boolean"),
        (pa.array([0, 1] * (N // 2)), "numeric"),
        (pa.array([0.5, None] * (N // 2)), "numeric"),
        (pa.array([decimal.Decimal("1.10"), decimal.Decimal("2.20")] * (N // 2)), "numeric"),
        (pa.array([dt.time(1), dt.time(2)] * (N // 2)), "numeric"),
        (pa.array([dt.timedelta(1), dt.timedelta(2)] * (N // 2)), "numeric"),
        (pa.array(["Süd", "Łódź", "東京", None] * (N // 4)), "category"),
        (pa.array(["Süd", "Łódź", "東京", None] * (N // 4)).dictionary_encode(), "category"),
        (pa.array(["1", "2"] * (N // 2)), "category"),
        (pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 2)] * (N // 2)), "date"),
        (pa.array([dt.datetime(2024, 1, 1, i % 24) for i in range(N)], pa.timestamp("ns", "UTC")), "date"),
        (pa.array(["2024-01-01", "2024-02-29T10:00:00Z"] * (N // 2)), "date"),
        (pa.array([[1], [2]] * (N // 2)), "dropped"),
        (pa.array([b"1", b"2"] * (N // 2)), "dropped"),
        (pa.nulls(N), "dropped"),
        (pa.nulls(N, pa.string()), "dropped"),
        (pa.array([float("nan")] * N), "dropped"),
        (pa.array([7] * N), "dropped"),
        (pa.array(["", " "] * (N // 2)), "dropped"),
    ],
)
def test_kind_follows_from_the_type(values: pa.Array, kind: str) -> None:
    assert kind_of(values) == kind


def test_numbers_stored_as_text_with_blanks_are_numeric() -> None:
    values = ["", " "] + [f"{i}.5" for i in range(N - 2)]

    assert kind_of(pa.array(values)) == "numeric"
    assert reason_of(pa.array(values)) == "numbers stored as text"


def test_blanks_at_the_beginning_do_not_hide_numbers() -> None:
    values = [""] * 110 + [str(i) for i in range(30)]
    table = pa.table({"x": values, "y": ["a", "b"] * 70})

    (column,) = infer_columns(table, target="y", overrides={})

    assert column.reason == "numbers stored as text"


def test_codes_with_leading_zeros_are_no_numbers() -> None:
    assert kind_of(pa.array([f"{i % 40:05d}" for i in range(N)])) == "category"


@pytest.mark.parametrize("name", ["id", "customer_id", "customerId", "uuid", "index", "row", "__index_level_0__", ""])
def test_whole_numbers_named_like_an_id_that_all_differ_are_ids(name: str) -> None:
    assert kind_of(pa.array(range(N)), name) == "id"


@pytest.mark.parametrize("name", ["paid", "grid", "humid", "arrow", "keyboard"])
def test_names_that_only_end_like_an_id_stay_numeric(name: str) -> None:
    assert kind_of(pa.array(range(N)), name) == "numeric"


def test_repeated_numbers_named_like_an_id_stay_numeric() -> None:
    assert kind_of(pa.array([i // 2 for i in range(N)]), "plot_id") == "numeric"


def test_an_id_of_rows_some_of_which_came_twice_is_an_id() -> None:
    values = pa.array([max(i, 4) for i in range(N)])

    assert kind_of(values, "row_id") == "id"
    assert reason_of(values, "row_id") == "named like an id, and almost all values differ"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (lambda i: f"{i * 397.5:,.2f}", "numbers written with units, commas or separators: all values differ"),
        (lambda i: f"{i},5", "numbers written with units, commas or separators: all values differ"),
        (lambda i: f"{1 + i % 28}/{1 + i // 28}/2021", "dates that are not ISO 8601: all values differ"),
    ],
)
def test_what_an_id_writes_is_told(text: Callable[[int], str], reason: str) -> None:
    assert reason_of(pa.array([text(i) for i in range(N)])) == reason


def test_text_whose_values_all_differ_is_an_id() -> None:
    assert kind_of(pa.array([f"käse {i}" for i in range(N)])) == "id"


def test_text_whose_values_almost_all_differ_is_an_id() -> None:
    values = [f"note {max(i, 3)}" for i in range(N)]

    assert reason_of(pa.array(values)) == "almost all values differ"


def test_a_constant_with_gaps_is_kept_because_gaps_inform() -> None:
    assert kind_of(pa.array(["yes", None] * (N // 2))) == "category"


def test_config_overrides_what_is_inferred() -> None:
    values = pa.array([0, 1] * (N // 2))

    assert kind_of(values, overrides={"x": "category"}) == "category"
    assert kind_of(values, ids=["x"]) == "id"
    assert kind_of(values, drop=["x"]) == "dropped"
    assert kind_of(values, group="x") == "id"


def test_time_column_stays_a_feature() -> None:
    assert kind_of(pa.array([dt.date(2024, 1, 1 + i % 3) for i in range(N)]), time="x") == "date"


@pytest.mark.parametrize(
    "roles", [{"overrides": {"agee": "numeric"}}, {"ids": ["agee"]}, {"drop": ["agee"]}, {"group": "agee"}]
)
def test_unknown_column_in_the_config_is_refused_with_the_nearest_name(roles: dict) -> None:
    with pytest.raises(DataError, match="agee") as caught:
        kind_of(pa.array([0, 1] * (N // 2)), "age", **roles)

    assert caught.value.hint == "did you mean 'age'?"


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
def test_a_saved_index_is_told_as_one(name: str) -> None:
    assert kind_of(pa.array(range(N)), name) == "id"
    assert reason_of(pa.array(range(N)), name) == "unnamed column, looks like a saved index, and all values differ"


def test_target_can_have_no_other_role() -> None:
    with pytest.raises(ConfigError, match="is the target"):
        kind_of(pa.array([0, 1] * (N // 2)), drop=["y"])
