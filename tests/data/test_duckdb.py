"""DuckDB files and queries: types, values bound, and what goes wrong."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.data.duckdb import SOURCE
from mltrain.data.loading import describe_source, load_table
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, PluginError
from mltrain.plugins import install_extra


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "Laden 1.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "create table customers as select 1::bigint as id, date '2024-02-29' as since, 12.5::decimal(8,2) as paid, "
            "true as gone, timestamptz '2024-02-29 10:00:00+02' as seen, 'a'::enum('a', 'b') as plan "
            "union all select 2, null, null, null, null, null"
        )
    return path


def test_types_are_kept(shop: Path) -> None:
    table = load_table(str(shop))

    assert table.slice(0, 1).to_pylist() == [
        {
            "id": 1,
            "since": dt.date(2024, 2, 29),
            "paid": Decimal("12.50"),
            "gone": True,
            "seen": dt.datetime(2024, 2, 29, 8, tzinfo=dt.UTC),
            "plan": "a",
        }
    ]
    assert set(table.slice(1).to_pylist()[0].values()) == {2, None}
    assert str(table.schema.field("seen").type) == "timestamp[us, tz=UTC]"


def test_a_table_is_named_and_an_address_of_sqlalchemy_is_understood(shop: Path) -> None:
    assert load_table(f"duckdb:///{shop}", options={"table": "main.customers"}).equals(load_table(str(shop)))


def test_values_are_bound(shop: Path) -> None:
    options = {"query": "select id, $word as w from customers where id < $most", "parameters": {"most": 2, "word": "'"}}

    assert load_table(str(shop), options=options).to_pydict() == {"id": [1], "w": ["'"]}


def test_a_query_alone_needs_no_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [3, 1, 2]}), tmp_path / "rows.parquet")
    query = f"select x from read_parquet('{tmp_path}/*.parquet') order by x"

    assert load_table("duckdb:", options={"query": query})["x"].to_pylist() == [1, 2, 3]


def test_a_file_is_known_by_its_contents(shop: Path) -> None:
    assert SOURCE.accepts(str(shop.rename(shop.with_suffix(".db"))))


def test_rows_come_some_at_a_time() -> None:
    reader = SOURCE.stream("duckdb:", {"query": "select i from range(3000000) t(i) order by i"})

    assert next(iter(reader)).num_rows < 3_000_000


def test_rows_cannot_be_described_for_a_view_may_read_other_files(shop: Path) -> None:
    assert describe_source(str(shop), None, {}) == ()


def test_a_missing_file_is_a_data_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        load_table(str(tmp_path / "shop.duckdb"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"table": "custommers"}, "custommers"),
        ({"query": "select prize from customers"}, "prize"),
        ({"query": "selec 1"}, "syntax error"),
        ({"query": "drop table customers"}, "read-only"),
        ({"query": "select * from customers where id < $most"}, "parameter"),
        ({"query": "select (case when i = 2500000 then 'x' else '1' end)::int as x from range(2600000) t(i)"}, "INT32"),
    ],
)
def test_what_is_wrong_is_a_data_error_that_says_why(shop: Path, options: dict[str, str], told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        load_table(str(shop), options=options)

    assert str(caught.value.where).startswith(f"{shop}, data.options.")


def test_another_format_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "rows.duckdb").write_text("x,y\n1,2\n" * 1000)

    with pytest.raises(DataError, match="not a valid DuckDB database"):
        load_table(str(tmp_path / "rows.duckdb"))


def test_several_tables_want_one_to_be_named(shop: Path) -> None:
    with duckdb.connect(shop) as connection:
        connection.execute("create schema s; create table s.visits (x int)")

    with pytest.raises(ConfigError, match=r"holds 2 tables: 'customers', 's\.visits'"):
        load_table(str(shop))


def test_a_file_that_another_program_writes_is_an_environment_refusal(shop: Path) -> None:
    writer = f"import duckdb; connection = duckdb.connect({str(shop)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", writer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        with pytest.raises(EnvironmentRefusal, match="another program holds the database"):
            load_table(str(shop))

        process.communicate(b"\n")


def test_a_missing_extra_is_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(PluginError) as caught:
        load_table(str(shop))

    assert caught.value.hint == install_extra("duckdb")


def test_batches_of_wide_tables_hold_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.data.rows.BATCH_CELLS", 10_000)
    query = "select range as x, range + 1 as y from range(20000) order by 1"

    batches = list(SOURCE.stream("duckdb:", {"query": query}))

    assert max(batch.num_rows for batch in batches) <= 5_000
    assert pa.Table.from_batches(batches)["x"].to_pylist() == list(range(20_000))
