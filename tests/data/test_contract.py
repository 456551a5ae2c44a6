"""Every registered source keeps the contract; what needs a store of its own is tested beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyarrow import feather

from mltrain import plugins
from mltrain.data import DataSource
from mltrain.testing.data_source import DataSourceContract

ROWS = pa.table({"größe": [1.5, None, 3.0], "city": ["Wien", "Graz", None]})


SUFFIXES = {"ipc": "feather", "sql": "sqlite"}


def write_sqlite(table: pa.Table, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        table.to_pandas().to_sql("rows", connection, index=False)


def write_duckdb(table: pa.Table, path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.register("given", table)
        connection.execute("create table rows as select * from given")


WRITERS = {
    "csv": pc.write_csv,
    "duckdb": write_duckdb,
    "ipc": feather.write_feather,
    "parquet": pq.write_table,
    "sql": write_sqlite,
}


class TestRegisteredSources(DataSourceContract):
    @pytest.fixture(params=[name for name in plugins.names("sources") if name != "feast"])
    def source(self, request: pytest.FixtureRequest) -> DataSource:
        source: DataSource = plugins.load("sources", request.param)
        assert source.name == request.param
        return source

    @pytest.fixture
    def present(self, source: DataSource, tmp_path: Path) -> str:
        if source.name == "example":
            return "example:churn"
        if source.name == "delta":
            write_deltalake(tmp_path / "rows", ROWS)
            return f"delta:{tmp_path}/rows"
        path = tmp_path / f"rows.{SUFFIXES.get(source.name, source.name)}"
        WRITERS[source.name](ROWS, path)
        return str(path)

    @pytest.fixture
    def missing(self, source: DataSource, tmp_path: Path) -> str:
        if source.name in ("example", "delta"):
            return f"{source.name}:nothing"
        return str(tmp_path / f"nothing.{SUFFIXES.get(source.name, source.name)}")
