from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.conforming import WORKING_TYPES, conform
from mltrain.errors import SchemaError


def schema_of(**kinds: str) -> Schema:
    columns = tuple(Column(name=n, kind=ColumnKind(k), arrow_type="?") for n, k in kinds.items())
    return Schema(columns=columns, target=Target(name="y", classes=("a", "b")))


def conformed(values: pa.Array | list, kind: str) -> list:
    table = conform(pa.table({"x": values}), schema_of(x=kind), origin="t.csv")
    assert table.schema.field("x").type == WORKING_TYPES[ColumnKind(kind)]
    return table["x"].to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None], "numeric", [1.0, None]),
        ([1.5, float("nan")], "numeric", [1.5, None]),
        (["1.5", " 2 ", "", None, "+3"], "numeric", [1.5, 2.0, None, None, 3.0]),
        ([True, False], "numeric", [1.0, 0.0]),
        ([2**60 + 1], "numeric", [float(2**60)]),
        ([dt.timedelta(seconds=1)], "numeric", [1e6]),
        ([0, 1, None], "boolean", [False, True, None]),
        ([0.0, 1.0], "boolean", [False, True]),
        (["True", "false", "", "YES"], "boolean", [True, False, None, True]),
        ([1, 2], "category", ["1", "2"]),
        ([1.0, 2.5, None], "category", ["1", "2.5", None]),
        ([True, None], "category", ["true", None]),
        (["Łódź", None], "category", ["Łódź", None]),
        (["2024-02-29", None], "date", [dt.datetime(2024, 2, 29), None]),
        ([dt.date(2024, 2, 29)], "date", [dt.datetime(2024, 2, 29)]),
        ([None, None], "category", [None, None]),
        ([None, None], "numeric", [None, None]),
        ([None, None], "date", [None, None]),
    ],
)
def test_values_become_what_their_kind_works_with(values: list, kind: str, expected: list) -> None:
    assert conformed(values, kind) == expected


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.float16(), pa.float32()])
def test_numbers_that_float32_holds_take_half_the_memory(kind: pa.DataType) -> None:
    values = pa.array(np.array([1, 7, 100], dtype=kind.to_pandas_dtype()), kind)

    fitted = conform(pa.table({"x": values}), schema_of(x="numeric"), origin="t.parquet")["x"]

    assert fitted.type == pa.float32()
    assert fitted.to_pylist() == [1.0, 7.0, 100.0]


def test_float32_without_nan_is_not_copied() -> None:
    values = pa.array([1.5, None, 2.5], pa.float32())

    fitted = conform(pa.table({"x": values}), schema_of(x="numeric"), origin="t.parquet")["x"]

    assert fitted.chunk(0).buffers()[1].address == values.buffers()[1].address
    assert conform(pa.table({"x": pa.array([float("nan")], pa.float32())}), schema_of(x="numeric"), origin="t")[
        "x"
    ].to_pylist() == [None]


def test_zones_are_brought_to_utc_and_nanoseconds_cut() -> None:
    values = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns", "Europe/Berlin"))

    assert conformed(values, "date") == [dt.datetime(2023, 11, 14, 22, 13, 20, 123456)]
    assert conformed(["2024-01-01T00:30:00+01:00"], "date") == [dt.datetime(2023, 12, 31, 23, 30)]


def test_dictionaries_of_several_chunks_are_joined() -> None:
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode()]
    table = conform(pa.table({"x": pa.chunked_array(chunks)}), schema_of(x="category"), origin="t")

    assert table["x"].to_pylist() == ["a", "b", "c", "a"]
    assert len({tuple(chunk.dictionary.to_pylist()) for chunk in table["x"].chunks}) == 1


def test_features_come_in_schema_order_and_the_rest_is_ignored() -> None:
    schema = schema_of(b="numeric", i="id", a="numeric", d="dropped")

    table = conform(pa.table({"a": [1], "extra": ["?"], "b": [2]}), schema, origin="t")

    assert table.column_names == ["b", "a"]


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match=r"2 of 2 columns missing: 'ab', 'cd'$") as caught:
        conform(pa.table({"abc": [1]}), schema_of(ab="numeric", cd="numeric"), origin="new.csv")

    assert caught.value.where == "new.csv"
    assert caught.value.hint == "did you mean 'abc' for 'ab'?"
    assert caught.value.exit_code == 3


def test_of_many_missing_columns_ten_are_named_and_the_hint_lists_what_is_there() -> None:
    wanted = schema_of(**{f"wanted_{i}": "numeric" for i in range(19)})

    with pytest.raises(SchemaError, match=r"19 of 19 columns missing: .*'wanted_9' and 9 more$") as caught:
        conform(pa.table({"x": [1]}), wanted, origin="new.csv")
    assert caught.value.hint == "there are: 'x'"
    with pytest.raises(SchemaError) as caught:
        conform(pa.table({}), wanted, origin="new.csv")
    assert caught.value.hint == "there are no columns"


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["1", "2", "zwei", "drei"], "numeric", "'zwei' is not a number"),
        (["2024-01-01", "", "2023-02-30"], "date", "'2023-02-30' is not an ISO 8601 date"),
        (["true", "", "maybe"], "boolean", "'maybe' is not true or false"),
        ([0, 1, 2], "boolean", "2 is not true or false"),
    ],
)
def test_first_value_that_does_not_fit_is_named(values: list, kind: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        conformed(values, kind)

    assert caught.value.where == "t.csv, column 'x', row 3"


def test_nested_values_are_no_numbers() -> None:
    with pytest.raises(SchemaError, match="is not a number"):
        conformed([[1], [2]], "numeric")


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**52), 2**52)), min_size=1))
def test_a_category_reads_the_same_from_integers_floats_and_text(values: list[int | None]) -> None:
    texts = [None if v is None else str(v) for v in values]
    floats = pa.array([None if v is None else float(v) for v in values], pa.float64())

    assert conformed(pa.array(values, pa.int64()), "category") == texts
    assert conformed(pa.array(texts, pa.string()), "category") == texts
    assert conformed(floats, "category") == texts
