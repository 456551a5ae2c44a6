from __future__ import annotations

import datetime as dt
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.records import fingerprint, schema_from_dict, schema_to_dict

VALUES = {
    "n": [1, None, 3, 4],
    "x": [0.5, float("inf"), None, -1.0],
    "t": ["ä", "", None, "東京"],
    "b": [True, None, False, True],
    "d": [dt.date(2024, 1, 1), None, dt.date(1970, 1, 1), dt.date(2024, 1, 1)],
    "nested": [[1], None, [2, 3], []],
}


def test_schema_survives_json() -> None:
    schema = Schema(
        columns=(
            Column(name="größe", kind=ColumnKind.NUMERIC, arrow_type="double", reason="numbers"),
            Column(name="kunde", kind=ColumnKind.ID, arrow_type="string"),
        ),
        target=Target(name="y", classes=(False, True)),
        group="kunde",
        time=None,
    )

    assert schema_from_dict(json.loads(json.dumps(schema_to_dict(schema)))) == schema


@pytest.mark.parametrize("record", [{}, {"target": None}, {"columns": [{"name": "x", "kind": "?"}], "target": {}}])
def test_what_is_no_schema_is_a_value_error(record: dict) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind of wrong differs
        schema_from_dict(record)


def test_fingerprint_does_not_see_chunks_encoding_or_offset_width() -> None:
    table = pa.table(VALUES)
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    encoded = table.set_column(2, "t", table["t"].dictionary_encode())
    wide = table.set_column(2, "t", table["t"].cast(pa.large_string()))
    sliced = pa.concat_tables([table, table]).slice(4)

    assert {fingerprint(t) for t in (table, chunked, encoded, wide, sliced)} == {fingerprint(table)}


def test_fingerprint_sees_names_types_order_and_nulls() -> None:
    table = pa.table({"a": [1, 2, 0], "b": ["x", "yz", ""]})
    changed = [
        table.rename_columns(["a", "c"]),
        table.set_column(0, "a", table["a"].cast(pa.int32())),
        table.take([1, 0, 2]),
        table.set_column(0, "a", pa.array([1, 2, None])),
        table.set_column(1, "b", pa.array(["xy", "z", ""])),
        table.set_column(1, "b", pa.array(["x", "yz", None])),
        table.slice(0, 2),
    ]

    assert len({fingerprint(t) for t in [table, *changed]}) == len(changed) + 1


@given(st.lists(st.one_of(st.none(), st.text(max_size=4)), min_size=1), st.data())
def test_fingerprint_changes_with_any_value(values: list[str | None], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(values) - 1))
    other = data.draw(st.one_of(st.none(), st.text(max_size=4)).filter(lambda v: v != values[row]))
    changed = [*values[:row], other, *values[row + 1 :]]

    kind = pa.string()

    assert fingerprint(pa.table({"x": pa.array(values, kind)})) != fingerprint(pa.table({"x": pa.array(changed, kind)}))
