"""Every registered source keeps the contract; what needs a store of its own is tested beside it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from mltrain import plugins
from mltrain.data import DataSource
from mltrain.testing.data_source import DataSourceContract

ROWS = pa.table({"größe": [1.5, None, 3.0], "city": ["Wien", "Graz", None]})


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
        path = tmp_path / f"rows.{source.name}"
        {"csv": pc.write_csv, "parquet": pq.write_table}[source.name](ROWS, path)
        return str(path)

    @pytest.fixture
    def missing(self, source: DataSource, tmp_path: Path) -> str:
        return "example:nothing" if source.name == "example" else str(tmp_path / f"nothing.{source.name}")
