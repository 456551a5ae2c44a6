"""Which rows a model was developed on, as hashes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.seen_rows import (
    MOST_BYTES,
    MOST_HASHES,
    SeenRows,
    hash_names,
    hash_rows,
    note_seen,
    recognise,
    seen_rows_from_dict,
    seen_rows_to_dict,
)

CATEGORY = pa.dictionary(pa.int32(), pa.string())
SCHEMA = Schema(
    columns=(
        Column(name="x", kind=ColumnKind.NUMERIC, arrow_type="double"),
        Column(name="city", kind=ColumnKind.CATEGORY, arrow_type="string"),
        Column(name="day", kind=ColumnKind.DATE, arrow_type="timestamp[us]"),
        Column(name="ok", kind=ColumnKind.BOOLEAN, arrow_type="bool"),
    ),
    target=Target(name="y", classes=("no", "yes")),
)


def _table(n_rows: int, *, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": pa.array(rng.normal(size=n_rows), mask=rng.random(n_rows) < 0.1),
            "city": pa.array(rng.choice(["Łódź", "Rome", None], n_rows).tolist(), pa.string()),
            "day": pa.array([datetime(2024, 1, 1 + int(d)) for d in rng.integers(0, 28, n_rows)]),
            "ok": pa.array(rng.random(n_rows) < 0.5, mask=rng.random(n_rows) < 0.1),
            "id": pa.array(range(n_rows)),
        }
    )


def _conformed(table: pa.Table) -> pa.Table:
    from mltrain.data.conforming import conform

    return conform(table, SCHEMA, origin="here")


def _labels(n_rows: int) -> Any:
    return np.arange(n_rows) % 2


def test_rows_are_known_wherever_they_stand_and_however_they_are_stored() -> None:
    table, y = _table(1000), _labels(1000)
    order = np.random.default_rng(1).permutation(1000)
    other = table.take(pa.array(order))
    stored = pa.table(
        {
            "x": other["x"].cast(pa.float32()),
            "city": pa.chunked_array([other["city"].slice(0, 300), other["city"].slice(300)]).cast(CATEGORY),
            "day": other["day"].cast(pa.string()),
            "ok": other["ok"].cast(pa.int8()),
        }
    )

    seen = note_seen(hash_rows(_conformed(table), y), key=None)
    found = recognise(seen, stored, y[order], schema=SCHEMA)

    assert found is not None
    assert found.is_told.all()
    assert found.is_seen.all()


def test_other_rows_and_other_labels_are_not_known() -> None:
    table, y = _table(1000), _labels(1000)
    seen = note_seen(hash_rows(_conformed(table), y), key=None)

    others = recognise(seen, _table(1000, seed=5), y, schema=SCHEMA)
    relabelled = recognise(seen, table, 1 - y, schema=SCHEMA)

    assert others is not None
    assert relabelled is not None
    missing = int(pa.compute.sum(pa.compute.is_null(table["x"])).as_py())  # these are alike by chance
    assert others.is_seen.sum() <= missing
    assert relabelled.is_seen.sum() <= missing


@given(st.lists(st.floats(width=32) | st.none(), min_size=2, max_size=2), st.booleans())
def test_rows_are_alike_when_their_values_are(values: list[float | None], is_negative_zero: bool) -> None:
    zero = -0.0 if is_negative_zero else 0.0
    table = pa.table({"a": pa.array([*values, 0.0, zero], pa.float64()), "b": pa.array([*values[::-1], zero, 0.0])})

    hashes = hash_rows(table, np.zeros(4, dtype=np.int64))

    def written(value: float | None) -> str:
        return "missing" if value is None or np.isnan(value) else repr(value + 0.0)

    assert bool(hashes[0] == hashes[1]) is (written(values[0]) == written(values[1]))
    assert hashes[2] == hashes[3]


def test_a_key_tells_rows_apart_whatever_else_has_changed() -> None:
    table = _table(500)
    seen = note_seen(hash_names(table["id"].slice(0, 200)), key="id")
    changed = table.set_column(0, "x", pa.array(np.zeros(500)))

    found = recognise(seen, changed, 1 - _labels(500), schema=SCHEMA)

    assert found is not None
    np.testing.assert_array_equal(np.flatnonzero(found.is_seen), np.arange(200))


@pytest.mark.parametrize("ids", [None, [None, 1]])
def test_rows_without_the_key_cannot_be_told(ids: list[int | None] | None) -> None:
    seen = note_seen(hash_names(pa.chunked_array([[1, 2]])), key="id")
    table = pa.table({"x": [1.0, 2.0]} if ids is None else {"x": [1.0, 2.0], "id": ids})

    assert recognise(seen, table, _labels(2), schema=SCHEMA) is None


def test_many_rows_take_no_more_room_and_a_part_of_them_tells() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 1_000_000, dtype=np.uint64)

    seen = note_seen(hashes, key=None)

    assert seen.n_rows == 1_000_000
    assert len(seen.hashes) == pytest.approx(MOST_HASHES, rel=0.02)  # six standard deviations
    assert len(json.dumps(seen_rows_to_dict(seen))) < MOST_BYTES


def test_of_a_part_as_many_test_rows_are_told_as_trained_ones_are_kept() -> None:
    names = pa.chunked_array([pa.array(range(1_000_000))])
    seen = note_seen(hash_names(names.slice(0, 800_000)), key="id")

    found = recognise(seen, pa.table({"id": names.slice(700_000)}), _labels(300_000), schema=SCHEMA)

    assert found is not None
    assert found.is_told.mean() == pytest.approx(1 / 8, rel=0.02)
    assert found.is_seen.sum() / found.is_told.sum() == pytest.approx(1 / 3, rel=0.03)
    assert not found.is_seen[100_000:].any()


def test_a_record_comes_back() -> None:
    seen = note_seen(hash_names(pa.chunked_array([["a", "ü"]])), key="naïve id")

    back = seen_rows_from_dict(json.loads(json.dumps(seen_rows_to_dict(seen))))

    assert (back.key, back.n_rows, back.bound) == (seen.key, 2, 2**32)
    np.testing.assert_array_equal(back.hashes, seen.hashes)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"key": 3},
        {"n_rows": -1},
        {"n_rows": "9"},
        {"bound": 0},
        {"bound": 2**32 + 1},
        {"bound": True},
        {"hashes": "AAA="},
        {"hashes": "not base64"},
        {"hashes": "é"},
        {"hashes": "A" * (MOST_BYTES + 4)},
        {"hashes": None},
    ],
)
def test_what_no_record_can_say_is_refused(changes: dict[str, Any]) -> None:
    document = seen_rows_to_dict(SeenRows(key=None, n_rows=1, bound=5, hashes=np.array([7], dtype=np.uint32)))

    with pytest.raises(ValueError, match=r"seen rows|base64|ASCII|padding"):
        seen_rows_from_dict(document | changes)


@pytest.mark.parametrize("document", [{}, [], {"format": 1}])
def test_another_document_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="no record of seen rows"):
        seen_rows_from_dict(document)


def test_no_rows_are_no_trouble() -> None:
    seen = note_seen(np.empty(0, dtype=np.uint64), key=None)

    assert (seen.n_rows, len(seen.hashes)) == (0, 0)
    assert replace(seen, key="id").key == "id"
