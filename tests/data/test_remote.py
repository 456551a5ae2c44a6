"""Files behind URLs, on a real S3-compatible server: what is read, what is told, what goes wrong."""

from __future__ import annotations

import gzip
import importlib
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from mltrain.data.loading import describe_source, load_table, open_rows
from mltrain.data.remote import list_files
from mltrain.data.rows import iter_batches
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, PluginError
from mltrain.plugins import install_extra

ROWS = pa.table({"größe": [1.5, None, 3.0], "city": ["Wien", "Graz", None]})


def parquet(table: pa.Table = ROWS) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def ipc(table: pa.Table = ROWS) -> bytes:
    sink = pa.BufferOutputStream()
    feather.write_feather(table, sink)
    return bytes(sink.getvalue())


MODULES = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}
CSV = b"gr\xc3\xb6\xc3\x9fe;city\n1.5;Wien\n;Graz\n3.0;\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("Kunden 1.parquet", parquet()),
        ("rows.feather", ipc()),
        ("rows.csv", CSV),
        ("rows.csv.gz", gzip.compress(CSV)),
    ],
    # Bytes make names of tests, and gzip writes the time into them: pytest-xdist wants the same names in each worker.
    ids=["parquet", "feather", "csv", "csv.gz"],
)
def test_a_file_is_read_by_the_source_of_its_suffix(store: Any, name: str, data: bytes) -> None:
    store.put(f"shop/{name}", data)

    assert load_table(f"s3://lake/shop/{name}").equals(ROWS)


def test_a_folder_without_a_suffix_is_parquet_with_hive_partitions(store: Any) -> None:
    for year, rows in ((2023, [1, 2]), (2024, [3])):
        store.put(f"customers/year={year}/a.parquet", parquet(pa.table({"x": rows})))
    store.put("customers/_SUCCESS", b"")
    store.put("customers/_old/b.parquet", parquet(pa.table({"x": [9]})))

    assert load_table("s3://lake/customers").to_pydict() == {"x": [1, 2, 3], "year": [2023, 2023, 2024]}
    assert load_table("s3://lake/customers/").num_rows == 3


def test_a_glob_reads_what_matches(store: Any) -> None:
    for name in ("2023-a", "2023-b", "2024-a"):
        store.put(f"months/{name}.parquet", parquet(pa.table({"x": [name]})))

    assert load_table("s3://lake/months/2023-*.parquet")["x"].to_pylist() == ["2023-a", "2023-b"]


def test_a_name_without_suffix_is_read_by_the_format_that_is_named(store: Any) -> None:
    store.put("export", CSV)

    assert load_table("s3://lake/export", "csv").equals(ROWS)


def test_the_endpoint_may_stand_in_the_options(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("rows.parquet", parquet())
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    table = load_table("s3://lake/rows.parquet", options={"storage": {"endpoint_url": store.url}})

    assert table.equals(ROWS)


def test_what_is_told_changes_with_the_contents_alone(store: Any) -> None:
    store.put("rows.parquet", parquet())
    before = describe_source("s3://lake/rows.parquet", None, {})
    store.put("rows.parquet", parquet())
    same = describe_source("s3://lake/rows.parquet", None, {})
    store.put("rows.parquet", parquet(ROWS.slice(1)))
    after = describe_source("s3://lake/rows.parquet", None, {})

    assert [file.path for file in before] == ["s3://lake/rows.parquet"]
    assert before[0].sha256 == ""
    assert before[0].size_bytes == len(parquet())
    assert same[0].version == before[0].version != after[0].version


def test_a_missing_file_is_a_data_error(store: Any) -> None:
    with pytest.raises(DataError, match=r"there is no .*file at 's3://lake/nothing.parquet'") as caught:
        load_table("s3://lake/nothing.parquet")

    assert "bucket" in str(caught.value.hint)


def test_a_missing_bucket_is_a_data_error(store: Any) -> None:
    with pytest.raises(DataError, match="nowhere"):
        load_table("s3://nowhere/rows.parquet")


def test_a_damaged_file_is_named(store: Any) -> None:
    store.put("rows.parquet", b"PAR1 and no more of it")

    with pytest.raises(DataError, match="not a readable Parquet file") as caught:
        load_table("s3://lake/rows.parquet")

    assert caught.value.where == "s3://lake/rows.parquet"


def test_no_credentials_are_an_environment_refusal(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(EnvironmentRefusal, match="no credentials for s3://") as caught:
        load_table("s3://lake/rows.parquet")

    assert "AWS_PROFILE" in str(caught.value.hint)


def test_wrong_credentials_are_an_environment_refusal(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    checking = type(store)()
    checking.start(INITIAL_NO_AUTH_ACTION_COUNT="0")  # from the first request on, moto looks at the key
    monkeypatch.setenv("AWS_ENDPOINT_URL", checking.url)

    with pytest.raises(EnvironmentRefusal, match="access refused") as caught:
        load_table("s3://lake/rows.parquet")

    checking.stop()
    assert "AWS_PROFILE" in str(caught.value.hint)
    assert "tested-secret" not in caught.value.message


def test_a_server_that_is_not_there_is_an_environment_refusal(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(EnvironmentRefusal, match="the store does not answer") as caught:
        load_table("s3://lake/rows.parquet")

    assert "AWS_ENDPOINT_URL" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_a_server_that_goes_away_before_the_rows_are_read(
    other_store: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    other_store.put(name, {"rows.parquet": parquet(), "rows.csv": CSV}[name])

    def list_and_lose(*words: Any, **more: Any) -> Any:
        found = list_files(*words, **more)
        other_store.stop()
        return found

    monkeypatch.setattr("mltrain.data.locations.list_files", list_and_lose)
    with pytest.raises(EnvironmentRefusal, match="the store does not answer") as caught:
        load_table(f"s3://lake/{name}")

    assert caught.value.where == f"s3://lake/{name}"


def test_a_server_that_goes_away_while_the_rows_are_read(other_store: Any) -> None:
    many = pa.table({"x": np.random.default_rng(0).random(400_000)})
    for key in ("many/a.parquet", "many/b.parquet"):
        other_store.put(key, parquet(many))

    batches = iter_batches(open_rows("s3://lake/many"), origin="s3://lake/many", most_rows=10_000)
    n_rows = next(batches).num_rows
    other_store.stop()
    with pytest.raises(EnvironmentRefusal, match="the store does not answer"):
        n_rows += sum(batch.num_rows for batch in batches)

    assert n_rows < 800_000


@pytest.mark.parametrize(
    "options",
    [{"key": "AKIA"}, {"client_kwargs": {}, "token": "t"}, {"client_kwargs": {"aws_secret_access_key": "x"}}],
)
def test_secrets_in_the_options_are_refused_unseen(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="secrets stay out of the config") as caught:
        load_table("s3://lake/rows.parquet", options={"storage": options})

    assert "AWS_SECRET_ACCESS_KEY" in str(caught.value.hint)


def test_an_address_with_a_password_is_refused_unseen() -> None:
    with pytest.raises(ConfigError, match="holds a password") as caught:
        load_table("https://bob:hunter2@example.com/rows.csv")

    assert "hunter2" not in f"{caught.value.message} {caught.value.where} {caught.value.hint}"


@pytest.fixture
def no_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the clients look as if they were not installed, and as if nobody had asked for one yet."""
    importlib.import_module("fsspec")
    known = sys.modules["fsspec.registry"]._registry  # `fsspec.registry` is a view of it
    for name, module in MODULES.items():
        monkeypatch.delitem(known, name, raising=False)
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("abfs", "azure")])
def test_a_missing_extra_is_named(scheme: str, extra: str, no_clients: None) -> None:
    with pytest.raises(PluginError) as caught:
        load_table(f"{scheme}://lake/rows.parquet")

    assert caught.value.hint == install_extra(extra)


def test_azure_without_an_account_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_NAME"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(EnvironmentRefusal) as caught:
        load_table("abfs://lake/rows.parquet")

    assert "no credentials for abfs://" in caught.value.message
    assert "AZURE_STORAGE" in f"{caught.value.message} {caught.value.hint}"


def test_a_scheme_that_nobody_knows_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no data source reads 'warp://lake/rows'"):
        load_table("warp://lake/rows")

    with pytest.raises(ConfigError, match="no client knows warp://"):
        load_table("warp://lake/rows.parquet")


def test_a_store_in_memory_needs_no_extra() -> None:
    import fsspec

    with fsspec.open("memory://shop/rows.parquet", "wb") as opened:
        opened.write(parquet())

    assert load_table("memory://shop/rows.parquet").equals(ROWS)
