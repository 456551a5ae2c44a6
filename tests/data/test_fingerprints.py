from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mltrain.data.fingerprints import Fingerprint

Digest = Callable[[pa.Table], str]
VALUES = {
    "n": [1, None, 3, 4],
    "x": [0.5, float("inf"), None, -1.0],
    "t": ["ä", "", None, "東京"],
    "b": [True, None, False, True],
    "d": [dt.date(2024, 1, 1), None, dt.date(1970, 1, 1), dt.date(2024, 1, 1)],
    "nested": [[1], None, [2, 3], []],
}


def test_fingerprint_does_not_see_chunks_encoding_or_offset_width(fingerprint: Digest) -> None:
    table = pa.table(VALUES)
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    encoded = table.set_column(2, "t", table["t"].dictionary_encode())
    wide = table.set_column(2, "t", table["t"].cast(pa.large_string()))
    sliced = pa.concat_tables([table, table]).slice(4)

    assert {fingerprint(t) for t in (table, chunked, encoded, wide, sliced)} == {fingerprint(table)}


def test_fingerprint_sees_names_types_order_and_nulls(fingerprint: Digest) -> None:
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


@given(values=st.lists(st.one_of(st.none(), st.text(max_size=4)), min_size=1), data=st.data())
def test_fingerprint_changes_with_any_value(fingerprint: Digest, values: list[str | None], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(values) - 1))
    other = data.draw(st.one_of(st.none(), st.text(max_size=4)).filter(lambda v: v != values[row]))
    changed = [*values[:row], other, *values[row + 1 :]]

    kind = pa.string()

    assert fingerprint(pa.table({"x": pa.array(values, kind)})) != fingerprint(pa.table({"x": pa.array(changed, kind)}))


@given(sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_rows_added_some_at_a_time_have_the_fingerprint_of_the_whole(fingerprint: Digest, sizes: list[int]) -> None:
    table = pa.concat_tables([pa.table(VALUES)] * 3)
    made = Fingerprint(table.schema)

    start = 0
    for size in [*sizes, table.num_rows]:
        made.add(table.slice(start, size))
        start += size

    assert made.hexdigest() == fingerprint(table)
