"""The commands on rows that lie in stores and databases: the same split from all, predictions from all, errors told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyarrow import feather

from mltrain.cli import main
from mltrain.commands.predict import predict
from mltrain.commands.register import register
from mltrain.data.churn import make_churn
from mltrain.workspace import Workspace

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs a command in a workspace of its own, with a source and options."""

    def run(source: str, options: dict[str, Any], *words: str) -> tuple[int, str, str]:
        (tmp_path / "work").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "work")
        data = {"source": source, "target": "churned", "id_columns": ["customer"], "options": options}
        Path("mltrain.yaml").write_text(json.dumps({"data": data, "train": {"experiment_tracker": "local"}}))
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def sources(store: Any, postgres: Any, tmp_path: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Put the churn rows everywhere, and return what a config says to read them."""
    rows = make_churn()
    pq.write_table(rows, tmp_path / "rows.parquet")
    store.put("churn/rows.parquet", tmp_path / "rows.parquet")
    feather.write_feather(rows, tmp_path / "rows.feather")
    postgres.fill("churn", rows, key="row_id")
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.register("given", rows)
        connection.execute("create table churn as select * from given")
    write_deltalake(str(tmp_path / "lake"), rows)
    write_deltalake(str(tmp_path / "lake"), rows.slice(0, 10), mode="append")
    query = "select * from churn where support_calls < :most order by row_id"
    return {
        "file": (str(tmp_path / "rows.parquet"), {}),
        "ipc": (str(tmp_path / "rows.feather"), {}),
        "s3": ("s3://lake/churn/", {}),
        "postgres": (postgres.url, {"query": query, "parameters": {"most": 1000}}),
        "table": (postgres.url, {"table": "churn"}),
        "duckdb": (str(tmp_path / "shop.duckdb"), {}),
        "delta": (f"delta:{tmp_path / 'lake'}", {"version": 0}),
    }


def split_record(tmp_path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((tmp_path / "work" / "data" / "split.json").read_text())
    return record


def test_the_same_rows_give_the_same_split_from_every_source(call: Call, sources: Any, tmp_path: Path) -> None:
    fingerprints = {}
    for name, (source, options) in sources.items():
        code, _, told = call(source, options, "split")

        assert code == 0, told
        fingerprints[name] = split_record(tmp_path)["fingerprint"]

    assert len(set(fingerprints.values())) == 1, fingerprints


def test_a_split_is_up_to_date_until_its_rows_change(call: Call, sources: Any, tmp_path: Path, postgres: Any) -> None:
    import boto3

    lake, shop = str(tmp_path / "lake"), postgres.url
    changes = {
        "s3": lambda: boto3.client("s3").copy_object(
            Bucket="lake", Key="churn/more.parquet", CopySource="lake/churn/rows.parquet"
        ),
        "table": lambda: postgres.execute("update churn set support_calls = support_calls + 1"),
        "newest": lambda: write_deltalake(lake, make_churn().slice(0, 5), mode="append"),
    }
    asked = {"s3": sources["s3"], "table": (shop, {"table": "churn"}), "newest": (f"delta:{lake}", {})}

    for name, (source, options) in asked.items():
        again = [json.loads(call(source, options, "split", "--json")[1])["data"]["unchanged"] for _ in range(2)]
        changes[name]()
        changed = json.loads(call(source, options, "split", "--json")[1])["data"]["unchanged"]

        assert (again, changed) == ([False, True], False), name

    assert split_record(tmp_path)["source"][0]["version"].startswith("version 2 of table ")


def test_a_version_with_the_same_rows_is_noted_and_leaves_the_split_as_it_is(call: Call, tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    write_deltalake(lake, make_churn())
    call(f"delta:{lake}", {}, "split")
    before = split_record(tmp_path)
    write_deltalake(lake, make_churn(), mode="overwrite")

    again = [json.loads(call(f"delta:{lake}", {}, "split", "--json")[1])["data"]["unchanged"] for _ in range(2)]

    after = split_record(tmp_path)
    assert again == [True, True]
    assert after["source"][0]["version"].startswith("version 1 ")
    assert {**after, "source": None} == {**before, "source": None}


def test_predictions_are_the_same_from_every_source(
    evaluated: Workspace, churn: Any, sources: Any, tmp_path: Path
) -> None:
    register(churn(), evaluated)
    expected = None
    for name, (source, options) in sources.items():
        config = churn(data={"source": source, "options": options})

        predict(config, evaluated, source=source, destination=tmp_path / f"{name}.parquet")

        scored = pq.read_table(tmp_path / f"{name}.parquet")
        expected = expected or scored
        assert scored["row_id"].to_pylist() == expected["row_id"].to_pylist(), name
        np.testing.assert_array_equal(scored["proba_yes"].to_numpy(), expected["proba_yes"].to_numpy())


@pytest.fixture
def servers(store: Any, postgres: Any) -> Any:
    """Run both servers, and return the database's."""
    return postgres


@pytest.mark.parametrize(
    ("source", "options", "code", "told"),
    [
        ("postgresql://ann:hunter2@127.0.0.1/shop", {}, 2, "data.source holds a password or token"),
        ("POSTGRES", {"query": "select * from nothing_there"}, 3, 'relation "nothing_there" does not exist'),
        ("POSTGRES", {"query": "select prize from (select 1) t"}, 3, 'column "prize" does not exist'),
        ("POSTGRES", {"table": "chrun"}, 3, "there is no table 'chrun'"),
        ("POSTGRES", {"query": "select i, case i when 99999 then pg_terminate_backend(pg_backend_pid()) end "
          "from generate_series(1, 120000) i order by i"}, 6, "the server went away while rows were read"),
        ("WRONG", {"table": "churn"}, 6, "password authentication failed"),
        ("postgresql://ann@127.0.0.1:9/shop", {"table": "churn"}, 6, "the database cannot be opened"),
        ("s3://lake/nothing.parquet", {}, 3, "there is no"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_with_its_exit_code_and_without_secrets(
    call: Call, servers: Any, tmp_path: Path, source: str, options: dict[str, Any], code: int, told: str
) -> None:
    postgres = servers
    if source == "WRONG":
        os.environ["PGPASSWORD"] = "hunter2-is-wrong"
    address = postgres.url if source in ("POSTGRES", "WRONG") else source

    ended, out, err = call(address, options, "split", "--debug", "--json")

    assert ended == code, err
    assert told in json.loads(out)["errors"][0]["message"]
    (tmp_path / "work" / "mltrain.yaml").unlink()  # the user's own
    assert_no_secret(out, err, tmp_path / "work", besides=postgres.password)
    assert not (tmp_path / "work" / "data" / "split.json").exists()


def assert_no_secret(out: str, err: str, folder: Path, *, besides: str) -> None:
    """Look for secrets on the screen and in every file that was left behind."""
    left = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in ("hunter2", "tested-secret", besides):
        assert secret not in out + err
        assert secret.encode() not in left


@pytest.mark.parametrize("how", [["--json"], ["--debug"]])
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hunter2@127.0.0.1/shop",
        "https://127.0.0.1:9/rows.parquet?sig=hunter2",
        "https://ann:hunter2@127.0.0.1:9/rows.csv",
        "s3://lake/rows.parquet?X-Amz-Signature=hunter2",
        "delta:s3://ann:hunter2@lake/table",
    ],
)
def test_predict_refuses_an_address_that_holds_a_secret_before_it_shows_it(
    call: Call, tmp_path: Path, address: str, how: list[str]
) -> None:
    ended, out, err = call("example:churn", {}, "predict", address, "out.csv", *how)

    assert ended == 2, err
    assert "the address holds a password or token" in out + err
    assert "IN" in out + err
    assert_no_secret(out, err, tmp_path / "work", besides="hunter2")


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (("POSTGRES", {"query": "select * from nothing_there"}), 3, 'relation "nothing_there" does not exist'),
        (("POSTGRES", {"table": "chrun"}), 3, "there is no table 'chrun'"),
        (("WRONG", {"table": "churn"}), 6, "password authentication failed"),
        (("postgresql://ann@127.0.0.1:9/shop", {"table": "churn"}), 6, "the database cannot be opened"),
        (("s3://lake/nothing.parquet", {}), 3, "there is no"),
    ],
)
def test_what_goes_wrong_in_predict_is_told_without_secrets(
    call: Call, servers: Any, evaluated: Workspace, tmp_path: Path, given: Any, code: int, told: str
) -> None:
    source, options = given
    if source == "WRONG":
        os.environ["PGPASSWORD"] = "hunter2-is-wrong"
    address = servers.url if source in ("POSTGRES", "WRONG") else source
    model = str(next(evaluated.runs.glob("logistic_regression-*")) / "model")

    ended, out, err = call(address, options, "predict", address, "out.csv", "--model", model, "--debug", "--json")

    assert ended == code, err
    assert told in json.loads(out)["errors"][0]["message"]
    assert_no_secret(out, err, tmp_path / "work", besides=servers.password)
    assert not (tmp_path / "work" / "out.csv").exists()
