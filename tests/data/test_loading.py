from __future__ import annotations

import re
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


def test_source_that_nobody_reads_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("a;b")

    with pytest.raises(ConfigError, match=r"no data source reads '.*rows'$") as caught:
        load_table(str(tmp_path / "rows"))

    assert "'parquet'" in str(caught.value.hint)


def test_a_spreadsheet_is_to_be_exported() -> None:
    with pytest.raises(ConfigError, match=r"no data source reads 'rows\.xlsx': it is a spreadsheet") as caught:
        load_table("rows.xlsx")

    assert str(caught.value.hint).startswith("export the sheet as CSV or Parquet")


@pytest.mark.parametrize("source", ["lake/year=2029", "lake/*/rows", "rows"])
def test_a_path_where_nothing_is_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match=f"^there is no file or folder {re.escape(repr(source))}$") as caught:
        load_table(source)

    assert caught.value.where == str(tmp_path / source)


def test_an_empty_folder_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no files$"):
        load_table(str(tmp_path))


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
