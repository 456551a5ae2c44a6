from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.config import DataSection
from mltrain.data import DataSource
from mltrain.data.loading import infer_schema, load_rows, load_table
from mltrain.errors import ConfigError, DataError, PluginError
from mltrain.plugins import load, names


def saved(path: Path, **columns: list) -> str:
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_every_registered_source_satisfies_the_contract() -> None:
    for name in names("sources"):
        source = load("sources", name)
        assert isinstance(source, DataSource)
        assert source.name == name


def test_rows_with_a_label_have_a_target_and_columns(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.parquet", alter=[30, 40, 50, 60], kündigt=["nein", "nein", "ja", None])

    section = DataSection(source=source, target="kündigt")
    rows = load_rows(section)

    assert (rows.table.num_rows, rows.n_unlabelled) == (3, 1)
    assert rows.target.classes == ("nein", "ja")
    assert rows.y.tolist() == [0, 0, 1]
    assert [(c.name, c.kind.value) for c in infer_schema(rows, section).features] == [("alter", "numeric")]


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


def test_missing_target_names_the_nearest_column(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.parquet", age=[1, 2], churned=["y", "n"])

    with pytest.raises(DataError, match="there is no column 'churn'") as caught:
        load_rows(DataSection(source=source, target="churn"))

    assert caught.value.hint == "did you mean 'churned'?"


@pytest.mark.parametrize(
    ("section", "where"),
    [(DataSection(target="y"), "data.source"), (DataSection(source="example:iris"), "data.target")],
)
def test_source_and_target_must_be_named(section: DataSection, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rows(section)

    assert caught.value.where == where


def test_table_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n")

    with pytest.raises(DataError, match="there are no rows"):
        load_table(str(file))


def test_table_without_features_is_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.parquet", same=[1, 1, 1, 1], y=["a", "b", "a", "b"])

    section = DataSection(source=source, target="y")
    with pytest.raises(DataError, match="no column is left to learn from"):
        infer_schema(load_rows(section), section)
