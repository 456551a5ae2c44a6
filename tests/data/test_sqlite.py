"""SQLite files as a source: types, order, pieces, and what goes wrong."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from mltrain.data.loading import load_table
from mltrain.data.sql import SOURCE
from mltrain.errors import ConfigError, DataError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"  # known by its contents, not by its name
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table customers (id integer primary key, since date, paid numeric(8,2), gone boolean)"
        )
        connection.execute("insert into customers values (2, null, null, null), (1, '2024-02-29', 12.5, 1)")
    connection.close()
    return path


def test_an_sqlite_table_has_the_types_it_declares(shop: Path) -> None:
    table = load_table(str(shop))

    assert table.to_pydict() == {
        "id": [1, 2],
        "since": [dt.date(2024, 2, 29), None],
        "paid": [Decimal("12.50"), None],
        "gone": [True, None],
    }
    assert load_table(f"sqlite:///{shop}").equals(table)


def test_an_sqlite_query_has_the_types_of_its_values(shop: Path) -> None:
    options = {"query": "select id, paid from customers where id < :most order by id", "parameters": {"most": 2}}

    assert load_table(str(shop), options=options).equals(pa.table({"id": [1], "paid": [12.5]}))


def test_several_tables_want_one_to_be_named(shop: Path) -> None:
    with sqlite3.connect(shop) as connection:
        connection.execute("create table visits (id integer)")
    connection.close()

    with pytest.raises(ConfigError, match="holds 2 tables: 'customers', 'visits'"):
        load_table(str(shop))


def test_mixed_values_are_a_data_error_that_names_the_column(shop: Path) -> None:
    with pytest.raises(DataError, match="values of types int and str in one column") as caught:
        load_table(str(shop), options={"query": "select 1 as x union all select 'a' order by 1"})

    assert "column 'x'" in str(caught.value.where)


def test_an_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        load_table(str(tmp_path / "shop.sqlite"))

    assert list(tmp_path.iterdir()) == []


def test_a_wrong_sqlite_query_is_a_data_error(shop: Path) -> None:
    with pytest.raises(DataError, match="no such column: prize"):
        load_table(str(shop), options={"query": "select prize from customers"})


def test_chunks_of_wide_tables_hold_fewer_rows(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.data.rows.BATCH_CELLS", 4)

    batches = list(SOURCE.stream(str(shop), {}))

    assert [batch.to_pydict()["id"] for batch in batches] == [[1], [2]]


def test_later_rows_keep_the_types_of_the_first(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.data.sql.reading.CHUNK_ROWS", 1)

    reader = SOURCE.stream(str(shop), {"query": "select null as x union all select 'a' order by x"})

    assert [batch.to_pydict() for batch in reader] == [{"x": [None]}, {"x": ["a"]}]
    with pytest.raises(DataError, match="a later row has values of another type"):
        SOURCE.stream(str(shop), {"query": "select 1 as x union all select 'a' order by x"}).read_all()
