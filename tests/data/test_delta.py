"""Delta tables: versions and moments, what tells that a table moved on, and what goes wrong."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from mltrain.data.loading import describe_source, load_table
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, PluginError
from mltrain.plugins import install_extra


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """Write two versions of a table: two rows, then three."""
    folder = str(tmp_path / "Kunden 1")
    write_deltalake(folder, pa.table({"x": [1, 2], "land": ["Süd", None]}), partition_by=["land"])
    time.sleep(0.1)
    write_deltalake(folder, pa.table({"x": [3], "land": ["Nord"]}), mode="append")
    return folder


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(zip(table["x"].to_pylist(), table["land"].to_pylist(), strict=True))


def test_the_newest_version_is_read_in_the_same_order_every_time(lake: str) -> None:
    table = load_table(lake)

    assert rows_of(table) == [(1, "Süd"), (2, None), (3, "Nord")]
    DeltaTable(lake).create_checkpoint()
    assert load_table(f"delta:{lake}").equals(table)


def test_an_older_version_is_read_by_its_number_or_a_moment(lake: str) -> None:
    # When a commit's file was written counts, which on a busy machine is later than what its entry says.
    logs = sorted((Path(lake) / "_delta_log").glob("*.json"))
    then = dt.datetime.fromtimestamp(sum(log.stat().st_mtime for log in logs[:2]) / 2, tz=dt.UTC)

    assert rows_of(load_table(lake, options={"version": 0})) == [(1, "Süd"), (2, None)]
    assert load_table(lake, options={"timestamp": then}).num_rows == 2
    assert load_table(lake, options={"timestamp": dt.datetime.now(tz=dt.UTC)}).num_rows == 3


def test_what_is_told_changes_with_the_version(lake: str) -> None:
    newest, first = describe_source(lake, None, {}), describe_source(lake, None, {"version": 0})
    write_deltalake(lake, pa.table({"x": [4], "land": ["West"]}), mode="append")

    assert newest[0].path == lake
    assert newest[0].version.startswith("version 1 of table ")
    assert describe_source(lake, None, {})[0].version == newest[0].version.replace("version 1", "version 2")
    assert describe_source(lake, None, {"version": 0}) == first


def test_removed_rows_are_not_read_and_the_folder_is_no_parquet(lake: str) -> None:
    DeltaTable(lake).delete("x = 1")

    assert rows_of(load_table(lake)) == [(2, None), (3, "Nord")]
    with pytest.raises(DataError, match="is a Delta table") as caught:
        load_table(lake, "parquet")
    assert caught.value.hint == f"write delta:{lake}: its folder holds rows of older versions too"


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"version": 7}, "version 7 cannot be read", "versions go from 0 to 1"),
        ({"timestamp": dt.date(2020, 1, 1)}, r"there was no table at 2020-01-01", "the oldest version that is left"),
    ],
)
def test_a_version_that_is_not_there_is_a_data_error(lake: str, options: Any, message: str, hint: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_table(lake, options=options)

    assert hint in str(caught.value.hint)


def test_a_version_whose_files_were_vacuumed_is_a_data_error(lake: str) -> None:
    DeltaTable(lake).delete("x = 1")
    DeltaTable(lake).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)

    with pytest.raises(DataError, match="a file is gone") as caught:
        load_table(lake, options={"version": 0})

    assert "VACUUM" in str(caught.value.hint)
    assert "\x1b" not in caught.value.message


def test_a_missing_table_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no Delta table at") as caught:
        load_table(f"delta:{tmp_path}/nothing")

    assert f"{tmp_path}/nothing" in caught.value.message


def test_both_a_version_and_a_moment_are_a_config_error(lake: str) -> None:
    with pytest.raises(ConfigError, match="version and timestamp are both given"):
        load_table(lake, options={"version": 0, "timestamp": dt.date(2024, 1, 1)})


def test_a_missing_extra_is_named(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)

    with pytest.raises(PluginError) as caught:
        load_table(lake)

    assert caught.value.hint == install_extra("delta")


def test_a_table_behind_a_url(store: Any, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for file in Path(lake).rglob("*"):
        if file.is_file():
            store.put(f"kunden/{file.relative_to(lake)}", file)

    assert rows_of(load_table("delta:s3://lake/kunden")) == rows_of(load_table(lake))
    assert load_table("s3://lake/kunden", "delta", {"version": 0}).num_rows == 2
    with pytest.raises(DataError, match="is a Delta table"):
        load_table("s3://lake/kunden")


def test_a_store_that_is_not_there_is_an_environment_refusal(store: Any) -> None:
    options = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ALLOW_HTTP": "true", "max_retries": 0}

    with pytest.raises(EnvironmentRefusal, match="the store does not answer") as caught:
        load_table("delta:s3://lake/kunden", options={"storage": options})

    assert "AWS_ENDPOINT_URL" in str(caught.value.hint)


def test_a_secret_in_the_options_is_refused() -> None:
    with pytest.raises(ConfigError, match="secrets stay out of the config"):
        load_table("delta:s3://lake/kunden", options={"storage": {"AWS_SECRET_ACCESS_KEY": "x"}})
