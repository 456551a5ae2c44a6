from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mltrain.data.asof import Dated, join_asof
from mltrain.errors import DataError

DAY = timedelta(days=1)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 1, 1, hour) + timedelta(days=day - 1)


def dated(**changes: Any) -> Dated:
    usage = pa.table(
        {
            "who": [1, 1, 1, 2, 3],
            "since": [at(1), at(5), at(5), at(20), at(1)],
            "written": [at(1), at(7), at(6), at(20), at(1)],
            "visits": [10, 51, 52, 200, 300],
            "plan": pa.array(["a", "b", None, "c", "d"]).dictionary_encode(),
        }
    )
    kept = {"table": usage, "origin": "usage.parquet", "keys": {"who": "who"}, "time": "since"}
    return Dated(**{**kept, **changes})


def visits(labels: list[tuple[Any, Any]], one: Dated, **how: Any) -> list[int | None]:
    table = pa.table({"who": [who for who, _ in labels], "t": [when for _, when in labels]})
    found: list[int | None] = join_asof(table, [one], time="t", **how).table["visits"].to_pylist()
    return found


def test_a_label_sees_the_last_row_up_to_its_own_time_included() -> None:
    labels = [(1, at(4)), (1, at(1)), (1, at(31)), (2, at(19, 23)), (2, at(20))]

    assert visits(labels, dated()) == [10, 10, 52, None, 200]


def test_of_rows_with_one_key_and_time_the_last_written_counts() -> None:
    assert visits([(1, at(9))], dated()) == [52]  # without a created column: the last in the table
    assert visits([(1, at(9))], dated(written="written")) == [51]


def test_a_row_of_exactly_the_maximal_age_counts_and_an_older_one_does_not() -> None:
    labels = [(3, at(31)), (3, at(31, 1)), (3, at(31) + timedelta(microseconds=1))]

    assert visits(labels, dated(max_age=30 * DAY)) == [300, None, None]


def test_an_older_row_never_stands_in_for_one_that_is_too_old() -> None:
    report = join_asof(pa.table({"who": [1, 3], "t": [at(20), at(2)]}), [dated(max_age=DAY)], time="t").reports[0]

    assert (report.n_rows, report.n_matched, report.n_too_old) == (2, 1, 1)


def test_missing_and_unknown_keys_find_nothing() -> None:
    one = dated(table=dated().table.set_column(0, "who", pa.array([1, None, 1, 2, 3])))

    assert visits([(None, at(9)), (99, at(9)), (1, at(4))], one) == [None, None, 10]


def test_late_rows_are_used_and_counted_or_looked_past() -> None:
    labels = pa.table({"who": [1, 1, 2], "t": [at(5), at(7), at(20)]})
    one = dated(written="written")

    used = join_asof(labels, [one], time="t")
    past = join_asof(labels, [one], time="t", leave_out_late=True)

    assert used.table["visits"].to_pylist() == [51, 51, 200]
    assert past.table["visits"].to_pylist() == [10, 51, 200]
    for joined, uses in ((used, True), (past, False)):
        report = joined.reports[0]
        assert (report.n_late, report.first_late, report.uses_late) == (1, 0, uses)


def test_looking_past_late_rows_does_not_go_beyond_the_maximal_age() -> None:
    labels = [(1, at(5))]

    assert visits(labels, dated(written="written", max_age=4 * DAY), leave_out_late=True) == [10]
    assert visits(labels, dated(written="written", max_age=3 * DAY), leave_out_late=True) == [None]


def test_rows_that_nobody_noted_the_writing_of_are_looked_past_like_late_ones() -> None:
    one = dated(table=dated().table.set_column(2, "written", pa.array([at(1), None, None, None, None])))

    assert visits([(1, at(9)), (2, at(21))], dated(table=one.table, written="written"), leave_out_late=True) == [
        10,
        None,
    ]


def test_rows_without_a_time_are_never_used_and_counted() -> None:
    one = dated(table=dated().table.set_column(1, "since", pa.array([None, at(5), None, at(20), at(1)])))

    joined = join_asof(pa.table({"who": [1, 1, 2], "t": [at(4), at(9), at(21)]}), [one], time="t")

    assert joined.table["visits"].to_pylist() == [None, 51, 200]
    assert joined.reports[0].n_undated == 2


def test_rows_order_and_types_are_kept_and_columns_named_by_the_prefix() -> None:
    labels = pa.table({"t": [at(9), at(2), at(9)], "who": [2, 1, 1], "y": ["n", "j", "n"]})

    table = join_asof(labels, [dated(prefix="u_", columns=["plan", "visits"])], time="t").table

    assert table.column_names == ["t", "who", "y", "u_plan", "u_visits"]
    assert table.select(labels.column_names).equals(labels)
    assert table.schema.field("u_visits").type == pa.int64()
    assert table["u_visits"].to_pylist() == [None, 10, 52]
    assert table["u_plan"].to_pylist() == [None, "a", None]


def test_several_keys_must_all_agree_whatever_their_names_and_widths() -> None:
    prices = pa.table(
        {
            "land": pa.array(["at", "de"] * 2).dictionary_encode(),
            "item": pa.array([1, 1, 2, 2], pa.int16()),
            "since": [date(2024, 1, 1)] * 4,
            "price": [1.0, 2.0, 3.0, 4.0],
        }
    )
    labels = pa.table({"country": ["de", "at", "de"], "item": [2.0, 1.0, None], "t": [at(3)] * 3})
    one = Dated(table=prices, origin="prices", keys={"country": "land", "item": "item"}, time="since")

    assert join_asof(labels, [one], time="t").table["price"].to_pylist() == [4.0, 1.0, None]


def test_zones_and_units_do_not_matter() -> None:
    zoned = pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC)] * 2).cast(pa.timestamp("ns", "Asia/Tokyo"))
    one = Dated(
        table=pa.table({"who": [1, 2], "since": zoned, "v": [1, 2]}), origin="v", keys={"who": "who"}, time="since"
    )
    labels = pa.table({"who": [1, 2], "t": ["2024-01-01T11:59:59.999999", "2024-01-01T13:00:00+01:00"]})

    assert join_asof(labels, [one], time="t").table["v"].to_pylist() == [None, 2]


def test_nanoseconds_after_the_label_are_after_it() -> None:
    since = pa.array([1_000_000_500], pa.timestamp("ns"))
    one = Dated(table=pa.table({"who": [1], "since": since, "v": [1]}), origin="v", keys={"who": "who"}, time="since")

    def found(when: int) -> list[int | None]:
        labels = pa.table({"who": [1], "t": pa.array([when], pa.timestamp("us"))})
        return join_asof(labels, [one], time="t").table["v"].to_pylist()  # type: ignore[no-any-return]

    assert found(1_000_000) == [None]
    assert found(1_000_001) == [1]


@pytest.mark.parametrize("leave_out_late", [False, True])
@pytest.mark.parametrize("max_age", [None, 6])
def test_agrees_with_looking_at_every_pair(max_age: int | None, leave_out_late: bool) -> None:
    rng = np.random.default_rng(3)
    since = rng.integers(0, 40, 400)
    table = pd.DataFrame(
        {
            "who": rng.integers(0, 12, 400),
            "since": since,
            "written": since + rng.integers(0, 9, 400),
            "v": np.arange(400),
        }
    )
    labels = pd.DataFrame({"who": rng.integers(0, 14, 500), "t": rng.integers(0, 45, 500)})
    expected = [
        _slow(table, who, t, max_age=max_age, leave_out_late=leave_out_late)
        for who, t in labels.itertuples(index=False)
    ]

    one = Dated(
        table=_with_times(table, ["since", "written"]),
        origin="v",
        keys={"who": "who"},
        time="since",
        written="written",
        max_age=None if max_age is None else timedelta(days=max_age),
    )
    joined = join_asof(_with_times(labels, ["t"]), [one], time="t", leave_out_late=leave_out_late)

    assert joined.table["v"].to_pylist() == expected
    assert None in expected


def _slow(table: pd.DataFrame, who: int, t: int, *, max_age: int | None, leave_out_late: bool) -> int | None:
    seen = table[(table.who == who) & (table.since <= t)]
    if max_age is not None:
        seen = seen[seen.since >= t - max_age]
    if leave_out_late:
        seen = seen[seen.written <= t]
    if seen.empty:
        return None
    return int(seen.sort_values(["since", "written"], kind="stable").v.iloc[-1])


def _with_times(table: pd.DataFrame, names: list[str]) -> pa.Table:
    days = {name: pd.to_datetime(table[name], unit="D").astype("datetime64[us]") for name in names}
    return pa.Table.from_pandas(table.assign(**days), preserve_index=False)


@pytest.mark.parametrize(
    ("labels", "changes", "message", "where"),
    [
        ({"who": ["1"], "t": [at(1)]}, {}, "'who' is string and 'who' of usage.parquet is int64", "usage.parquet"),
        ({"who": [1], "t": [None]}, {}, "1 rows have no time|values of type null", "column 't'"),
        ({"who": [1], "t": [2024]}, {}, "values of type int64 are no times", "column 't'"),
        ({"who": [1], "t": ["soon"]}, {}, "not a time", "column 't'"),
        ({"customer": [1], "t": [at(1)]}, {}, "there is no column 'who'", "the labels"),
        ({"who": [1], "t": [at(1)]}, {"columns": ["visit"]}, "there is no column 'visit'", "usage.parquet"),
        ({"who": [1], "t": [at(1)], "visits": [1]}, {}, "columns stand in both tables: 'visits'", "usage.parquet"),
    ],
)
def test_what_cannot_be_joined_is_named(labels: dict, changes: dict, message: str, where: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        join_asof(pa.table(labels), [dated(**changes)], time="t")

    assert where in str(caught.value.where)


@pytest.mark.parametrize(
    ("keys", "where", "form"),
    [
        ({"who": "client"}, "usage.parquet, data.asof.tables.0.keys", "keys: {who: COLUMN OF usage.parquet}"),
        ({"client": "who"}, "rows.csv, data.asof.tables.0.keys", "keys: {COLUMN OF rows.csv: who}"),
    ],
)
def test_a_wrong_key_is_told_with_its_place_and_the_form(keys: dict[str, str], where: str, form: str) -> None:
    one = dated(keys=keys, described="data.asof.tables.0")

    with pytest.raises(DataError, match="there is no column 'client'") as caught:
        join_asof(pa.table({"who": [1], "t": [at(1)]}), [one], time="t", origin="rows.csv")

    assert caught.value.where == where
    assert str(caught.value.hint).endswith(form)


def test_no_rows_on_either_side_are_no_trouble() -> None:
    labels = pa.table({"who": [1], "t": [at(9)]})

    assert join_asof(labels.slice(0, 0), [dated()], time="t").table.num_rows == 0
    assert visits([(1, at(9))], dated(table=dated().table.slice(0, 0))) == [None]
