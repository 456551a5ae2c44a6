from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_tables import ASOF, FEAST, apply, make_tables

from mltrain.config import DataSection
from mltrain.data.feast import SOURCE
from mltrain.data.joining import open_source
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, PluginError
from mltrain.testing.data_source import DataSourceContract

LABELS = {"source": "labels.parquet", "target": "churned"}


@pytest.fixture
def a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that looks like a repository; nobody gets as far as to ask it."""
    (tmp_path / "feature_store.yaml").write_text("project: churn\n")
    pq.write_table(pa.table({"customer": [1], "event_timestamp": ["2024-01-01"]}), tmp_path / "labels.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("feast")
class TestContract(DataSourceContract):
    """What every source keeps, where the options that this one cannot do without are given."""

    @pytest.fixture
    def source(self) -> WithOptions:
        return WithOptions()

    @pytest.fixture
    def present(self) -> str:
        return "feast:."

    @pytest.fixture
    def missing(self) -> str:
        return "feast:nothing"


class WithOptions:
    name = "feast"

    def accepts(self, source: str) -> bool:
        return SOURCE.accepts(source)

    def load(self, source: str, options: dict) -> pa.Table:
        return SOURCE.load(source, {**FEAST, **options})


def test_rows_written_after_the_label_can_be_left_out_as_asof_does(feast: Path) -> None:
    del feast
    options = {**FEAST, "late_rows": "leave_out"}
    store = open_source(DataSection(source="feast:.", target="churned", options=options))
    tables = open_source(DataSection(**LABELS, asof={**ASOF, "late_rows": "leave_out"}))
    used = open_source(DataSection(**LABELS, asof=ASOF))

    assert store.rows.equals(tables.rows)
    assert not store.rows.equals(used.rows)
    assert [report.n_late for report in store.reports] == [163, None]
    assert [report.n_matched for report in store.reports] == [523, 370]


@pytest.fixture(scope="module")
def tied(feast_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tied")
    make_tables(folder, has_ties=True)
    with pytest.MonkeyPatch.context() as patch:
        if feast_python != sys.executable:
            patch.setenv("MLTRAIN_FEAST_PYTHON", feast_python)
        patch.chdir(folder)
        yield folder


@pytest.mark.slow
@pytest.mark.parametrize("late_rows", ["use", "leave_out"])
def test_the_last_written_of_one_time_is_used_by_the_duckdb_store_and_by_asof(
    tied: Path, feast_python: str, late_rows: str
) -> None:
    if subprocess.run([feast_python, "-c", "import duckdb, ibis"], check=False, capture_output=True).returncode:
        pytest.skip("feast[duckdb] is not installed: make matrix-feast")
    apply(tied, feast_python, "duckdb")

    store = open_source(DataSection(source="feast:.", target="churned", options={**FEAST, "late_rows": late_rows}))
    tables = open_source(DataSection(**LABELS, asof={**ASOF, "late_rows": late_rows}))

    assert store.reports[0].n_tied > 100
    assert store.rows.equals(tables.rows)


@pytest.mark.slow
def test_the_file_store_uses_any_row_of_one_time_and_that_is_said(tied: Path, feast_python: str) -> None:
    apply(tied, feast_python, "file")

    store = open_source(DataSection(source="feast:.", target="churned", options=FEAST))
    tables = open_source(DataSection(**LABELS, asof=ASOF))

    assert store.reports[0].n_tied > 100
    assert store.reports[0].tie_rule == ""
    assert store.rows.drop_columns(["visits", "spend"]).equals(tables.rows.drop_columns(["visits", "spend"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "kind", "message", "where", "hint"),
    [
        ({"features": "churn_v2"}, ConfigError, "no feature service 'churn_v2'", "data.options.features", "churn_v1"),
        ({"features": ["use:visits"]}, ConfigError, "no feature view 'use'", "data.options.features", "usage"),
        ({"features": ["usage:visit"]}, ConfigError, "no feature 'visit'", "data.options.features", "visits"),
        ({"features": ["visits"]}, ConfigError, "write view:feature", "data.options.features", "feast apply"),
        ({"entities": "no_key.parquet"}, DataError, "no column 'customer'", "data.options", "customr"),
        (
            {"entities": "usage.parquet", "timestamp_column": "since"},
            DataError,
            "'visits', 'spend'",
            "joined",
            "rename",
        ),
    ],
)
def test_what_feast_cannot_answer_is_named(
    feast: Path, options: dict, kind: type, message: str, where: str, hint: str
) -> None:
    labels = pq.read_table(feast / "labels.parquet")
    pq.write_table(labels.rename_columns({"customer": "customr"}), feast / "no_key.parquet")

    with pytest.raises(kind) as caught:
        open_source(DataSection(source="feast:.", target="churned", options={**FEAST, **options}))

    assert message in caught.value.message
    assert where in str(caught.value.where)
    assert hint in str(caught.value.hint)


@pytest.mark.slow
def test_single_features_are_asked_for_by_their_full_names(feast: Path) -> None:
    del feast
    options = {**FEAST, "features": ["plan:tariff", "usage:spend"], "full_feature_names": True}

    rows = open_source(DataSection(source="feast:.", target="churned", options=options)).rows

    assert rows.schema.names[-2:] == ["plan__tariff", "usage__spend"]


def test_without_feast_one_line_says_what_to_install(a_repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del a_repository
    if importlib.util.find_spec("feast") is not None:
        pytest.skip("Feast is installed here")
    monkeypatch.delenv("MLTRAIN_FEAST_PYTHON", raising=False)

    with pytest.raises(PluginError, match="needs Feast") as caught:
        SOURCE.load("feast:.", FEAST)

    assert "-m pip install 'feast>=" in str(caught.value.hint)
    assert "\n" not in str(caught.value.hint)


def test_a_python_without_feast_says_the_same(a_repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del a_repository
    if importlib.util.find_spec("feast") is not None:
        pytest.skip("Feast is installed here")
    monkeypatch.setenv("MLTRAIN_FEAST_PYTHON", sys.executable)

    with pytest.raises(PluginError, match="No module named 'feast'") as caught:
        SOURCE.load("feast:.", FEAST)

    assert "'feast>=" in str(caught.value.hint)


def test_a_python_that_is_not_there_is_named(a_repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTRAIN_FEAST_PYTHON", str(a_repository / "python"))

    with pytest.raises(EnvironmentRefusal, match="no interpreter") as caught:
        SOURCE.load("feast:.", FEAST)

    assert caught.value.where == "MLTRAIN_FEAST_PYTHON"


def test_a_python_that_ends_without_an_answer_says_its_last_words(
    a_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = a_repository / "python"
    program.write_text("#!/bin/sh\necho 'killed: password=secret123' >&2\nexit 137\n")
    program.chmod(0o755)
    monkeypatch.setenv("MLTRAIN_FEAST_PYTHON", str(program))

    with pytest.raises(EnvironmentRefusal, match="code 137") as caught:
        SOURCE.load("feast:.", FEAST)

    assert "killed" in caught.value.message
    assert "secret123" not in caught.value.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "entities"),
        ({**FEAST, "feature": "x"}, "'feature'"),
        ({**FEAST, "late_rows": "drop"}, "late_rows"),
        ({**FEAST, "entities": {"sorce": "labels.parquet"}}, "entities"),
    ],
)
def test_wrong_options_are_config_errors_before_feast_is_started(options: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SOURCE.load("feast:.", options)

    assert message in f"{caught.value.message} {caught.value.where}"


def test_a_folder_that_is_no_repository_is_named() -> None:
    with pytest.raises(DataError, match="'feast:nowhere'"):
        SOURCE.load("feast:nowhere", FEAST)


def test_labels_without_a_time_are_refused_before_feast_is_started(a_repository: Path) -> None:
    pq.write_table(pa.table({"customer": [1, 2], "event_timestamp": ["2024-01-01", None]}), "labels.parquet")

    with pytest.raises(DataError, match="1 rows have no time") as caught:
        SOURCE.load("feast:.", FEAST)

    assert str(caught.value.where) == "labels.parquet, column 'event_timestamp', row 2"
