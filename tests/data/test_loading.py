from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from mltrain.config import DataSection
from mltrain.data import DataSource
from mltrain.data.loading import check_target, infer_schema, load_table
from mltrain.data.target import make_target
from mltrain.errors import ConfigError, DataError, PluginError
from mltrain.plugins import load, names


def test_every_registered_source_satisfies_the_contract() -> None:
    for name in names("sources"):
        source = load("sources", name)
        assert isinstance(source, DataSource)
        assert source.name == name


def test_format_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.data"
    file.write_text("a,b\n1,2\n")

    assert load_table(str(file), "csv").to_pydict() == {"a": [1], "b": [2]}


def test_unknown_format_is_a_plugin_error() -> None:
    with pytest.raises(PluginError, match="parquett"):
        load_table("a.parquet", "parquett")


def test_source_that_nobody_reads_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"no data source reads 'rows\.xlsx'") as caught:
        load_table("rows.xlsx")

    assert "'parquet'" in str(caught.value.hint)


def test_missing_target_names_the_nearest_column() -> None:
    with pytest.raises(DataError, match="there is no column 'churn'") as caught:
        check_target(["age", "churned"], DataSection(source="a.parquet", target="churn"))

    assert (caught.value.where, caught.value.hint) == ("a.parquet, data.target", "did you mean 'churned'?")


def test_target_must_be_named() -> None:
    with pytest.raises(ConfigError) as caught:
        check_target(["age", "churned"], DataSection(source="a.parquet"))

    assert caught.value.where == "data.target"


def test_table_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n")

    with pytest.raises(DataError, match="there are no rows"):
        load_table(str(file))


def test_table_without_features_is_refused() -> None:
    table = pa.table({"same": [1, 1, 1, 1], "y": ["a", "b", "a", "b"]})

    with pytest.raises(DataError, match="no column is left to learn from"):
        infer_schema(table, make_target(table["y"], "y"), DataSection(source="a.parquet", target="y"))
