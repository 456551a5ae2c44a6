"""SQL sources on a real PostgreSQL: types, order, values bound, where the password stands."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mltrain.data.loading import describe_source, load_table
from mltrain.data.sql import SOURCE
from mltrain.errors import DataError

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


def test_chance_order_is_said_once(postgres: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="mltrain"):
        load_table(postgres.url, options={"query": "select 1 as x"})
        load_table(postgres.url, options={"query": "select 1 as x Order\n by 1"})

    assert [record.message.partition(":")[0] for record in caplog.records] == ["the query has no ORDER BY"]
