"""SQL sources on a real PostgreSQL and on SQLite files: types, order, values bound, and what goes wrong."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mltrain.data.loading import describe_source, load_table
from mltrain.data.sql import SOURCE
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, MltrainError, PluginError

TYPES = """
create table kinds (id bigint primary key, small smallint, whole integer, money numeric(10,2), free numeric,
    real_ real, double_ double precision, yes boolean, day date, moment timestamp, instant timestamptz,
    word text, code char(3), uid uuid, doc jsonb, numbers int[], empty text)
"""
VALUES = """
insert into kinds values
    (2, null, null, null, 'NaN', null, null, null, null, null, null, null, null, null, null, null, null),
    (1, 7, 8, 12.50, 0.125, 0.5, 0.1, true, '2024-02-29', '2024-02-29 10:00', '2024-02-29 10:00+02', 'Łódź', 'ab',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": "é"}', '{1,2}', null)
"""


def test_postgres_types_are_kept_and_a_table_comes_in_the_order_of_its_key(postgres: Any) -> None:
    postgres.execute("drop table if exists kinds", TYPES, VALUES)

    table = load_table(postgres.url, options={"table": "public.kinds"})

    first, second = table.to_pylist()
    numbers = first.pop("free"), second.pop("free")
    assert numbers[0] == 0.125
    assert numbers[1] != numbers[1]
    assert first == {
        "id": 1,
        "small": 7,
        "whole": 8,
        "money": Decimal("12.50"),
        "real_": 0.5,
        "double_": 0.1,
        "yes": True,
        "day": dt.date(2024, 2, 29),
        "moment": dt.datetime(2024, 2, 29, 10),
        "instant": dt.datetime(2024, 2, 29, 8, tzinfo=dt.UTC),
        "word": "Łódź",
        "code": "ab ",
        "uid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "doc": '{"a": "é"}',
        "numbers": [1, 2],
        "empty": None,
    }
    assert set(second.values()) == {2, None}
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["small"] == "int16"
    assert kinds["money"] == "decimal128(10, 2)"
    assert kinds["instant"] == "timestamp[us, tz=UTC]"
    assert kinds["empty"] == "string"


def test_values_are_bound_and_never_pasted(postgres: Any) -> None:
    query = "select i, cast(:word as text) as word from generate_series(1, 9) i where i < :most order by i"

    table = load_table(postgres.url, options={"query": query, "parameters": {"most": 3, "word": "x'; drop table y"}})

    assert table.to_pydict() == {"i": [1, 2], "word": ["x'; drop table y"] * 2}


def test_a_query_without_values_runs_as_it_stands(postgres: Any) -> None:
    query = "select '100%' as share, ':x' as colon, '{\"a\":1}'::jsonb->>'a' as a order by 1"

    assert load_table(postgres.url, options={"query": query}).to_pylist() == [
        {"share": "100%", "colon": ":x", "a": "1"}
    ]


def test_many_rows_are_fetched_some_at_a_time(postgres: Any) -> None:
    reader = SOURCE.stream(postgres.url, {"query": "select i from generate_series(1, 120000) i order by i"})

    sizes = [batch.num_rows for batch in reader]

    assert sum(sizes) == 120_000
    assert max(sizes) == 50_000


def test_a_query_without_rows_keeps_its_columns(postgres: Any) -> None:
    table = SOURCE.load(postgres.url, {"query": "select 1::bigint as x, 'a' as y where false"})

    assert (table.num_rows, table.column_names) == (0, ["x", "y"])


def test_nothing_is_written(postgres: Any) -> None:
    postgres.execute("drop table if exists kept", "create table kept as select 1 as x")

    with pytest.raises(DataError, match="syntax error"):
        load_table(postgres.url, options={"query": "delete from kept returning x"})

    assert load_table(postgres.url, options={"table": "kept"}).num_rows == 1


def test_rows_of_a_query_cannot_be_described_so_that_they_are_read_again(postgres: Any) -> None:
    assert describe_source(postgres.url, None, {"query": "select 1"}) == ()


def test_the_whole_address_may_stand_in_a_variable(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("SHOP_URL", postgres.url.replace("postgres@", f"postgres:{postgres.password}@"))

    assert load_table("env:SHOP_URL", options={"query": "select 1 as x order by 1"}).to_pydict() == {"x": [1]}


def test_the_password_may_stand_in_a_variable(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("SHOP_WORD", postgres.password)

    table = load_table(postgres.url, options={"query": "select 1 as x order by 1", "password_env": "SHOP_WORD"})

    assert table.to_pydict() == {"x": [1]}


def test_the_password_file_of_the_driver_is_read(
    postgres: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:*:*:postgres:{postgres.password}\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))

    assert load_table(postgres.url, options={"query": "select 1 as x order by 1"}).num_rows == 1


def everything(error: MltrainError) -> str:
    """Return all that a user could come to see of an error."""
    chain = [str(each) for each in (error.__cause__, None if error.__suppress_context__ else error.__context__) if each]
    return " ".join([error.message, str(error.where), str(error.hint), *chain])


def test_a_wrong_password_is_an_environment_refusal(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "not-the-word")

    with pytest.raises(EnvironmentRefusal, match="password authentication failed") as caught:
        load_table(postgres.url, options={"query": "select 1"})

    assert caught.value.exit_code == 6
    assert "PGPASSWORD and ~/.pgpass" in str(caught.value.hint)
    assert "not-the-word" not in everything(caught.value)


def test_a_password_in_a_variable_of_any_name_is_never_told(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = f"postgresql://postgres:hunter2@127.0.0.1:{postgres.port}/postgres?application_name=hunter2"
    monkeypatch.setenv("WHERE_IT_IS", wrong)

    with pytest.raises(MltrainError) as caught:
        load_table("env:WHERE_IT_IS", options={"query": "select 'hunter2'::int"})

    assert "hunter2" not in everything(caught.value)


@pytest.mark.parametrize(
    "source",
    ["postgresql://ann:hunter2@127.0.0.1/shop", "postgresql://ann@127.0.0.1/shop?password=hunter2"],
)
def test_a_password_in_the_address_is_refused_unseen(source: str) -> None:
    for read in (load_table, lambda address: SOURCE.load(address, {})):
        with pytest.raises(ConfigError, match="holds a password") as caught:
            read(source)

        assert "env:NAME" in str(caught.value.hint)
        assert "hunter2" not in everything(caught.value)


def test_a_server_that_is_not_there_is_an_environment_refusal() -> None:
    with pytest.raises(EnvironmentRefusal, match="cannot be opened") as caught:
        load_table("postgresql://ann@127.0.0.1:9/shop", options={"query": "select 1"})

    assert "host, port" in str(caught.value.hint)


def test_a_missing_table_is_a_data_error_that_knows_a_near_name(postgres: Any) -> None:
    postgres.execute("drop table if exists customers", "create table customers (x int)")

    with pytest.raises(DataError, match="there is no table 'custommers'") as caught:
        load_table(postgres.url, options={"table": "custommers"})

    assert caught.value.hint == "did you mean 'customers'?"
    assert str(caught.value.where) == f"{postgres.url}, data.options.table"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select * from nothing_there", 'relation "nothing_there" does not exist'),
        ("select prize from (select 1 as price) t", 'column "prize" does not exist'),
        ("selec 1", "syntax error"),
        ("select 1 / 0 as x", "division by zero"),
    ],
)
def test_a_wrong_query_is_a_data_error_that_says_why(postgres: Any, query: str, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        load_table(postgres.url, options={"query": query})

    assert str(caught.value.where).endswith("data.options.query")


def test_a_right_that_lacks_is_an_environment_refusal(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.execute(
        "drop table if exists hidden",
        "create table hidden (x int)",
        "do $$ begin if not exists (select from pg_roles where rolname = 'guest') then "
        f"create role guest login password '{postgres.password}'; end if; end $$",
    )

    with pytest.raises(EnvironmentRefusal, match="permission denied"):
        load_table(postgres.url.replace("postgres@", "guest@"), options={"query": "select * from hidden"})


def test_a_server_that_goes_away_while_rows_are_read(postgres: Any) -> None:
    query = (
        "select i, case when i = 150000 then pg_terminate_backend(pg_backend_pid()) end as gone "
        "from generate_series(1, 200000) i"
    )

    with pytest.raises(EnvironmentRefusal, match="the server went away while rows were read") as caught:
        load_table(postgres.url, options={"query": query})

    assert "reads all rows again" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "select 1", "table": "t"}, "query and table are both given"),
        ({"table": "t", "parameters": {"a": 1}}, "parameters are given without a query"),
        ({"query": "select :a, :b", "parameters": {"a": 1}}, "the query wants a value for 'b'"),
        ({"query": "select :a", "parameters": {"a": 1, "c": 1}}, "the query has no place for 'c'"),
        ({"qery": "select 1"}, "sql has no option 'qery'"),
    ],
)
def test_wrong_options_are_config_errors(postgres: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_table(postgres.url, options=options)


def test_a_variable_that_is_not_set_is_an_environment_refusal() -> None:
    with pytest.raises(EnvironmentRefusal, match="'NO_SUCH_URL' is not set"):
        load_table("env:NO_SUCH_URL")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(PluginError, match="the driver of postgresql is not installed") as caught:
        load_table("postgresql://ann@127.0.0.1/shop", options={"query": "select 1"})
    with pytest.raises(PluginError) as other:
        load_table("mysql://ann@127.0.0.1/shop", options={"query": "select 1"})

    assert caught.value.hint == "pip install 'mltrain[sql]'"
    assert other.value.hint == "pip install 'pymysql'"


def test_chance_order_is_said_once(postgres: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="mltrain"):
        load_table(postgres.url, options={"query": "select 1 as x"})
        load_table(postgres.url, options={"query": "select 1 as x Order\n by 1"})

    assert [record.message.partition(":")[0] for record in caplog.records] == ["the query has no ORDER BY"]


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
