"""From a feature store, and from its tables without one: the same rows, the same champion, the same predictions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from feature_tables import ASOF
from ruamel.yaml import YAML

from mltrain.cli import main

TRAIN = {
    "experiment_tracker": "local",
    "supported_models": ["logistic_regression", "lgbm"],
    "ensemble": False,
    "n_folds": 3,
}
SHARED = {"target": "churned", "id_columns": ["case", "customer"]}


def workspace(folder: Path, data: dict[str, Any]) -> Path:
    folder.mkdir()
    config = {"data": {**data, **SHARED}, "train": TRAIN, "evaluate": {"figures": False, "n_bootstrap": 20}}
    YAML(typ="safe").dump(config, folder / "mltrain.yaml")
    return folder


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(folder: Path, *words: str) -> Any:
        monkeypatch.chdir(folder)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        out, err = capfd.readouterr()
        assert ended.value.code in (0, None), err
        return json.loads(out)["data"]

    return run


@pytest.mark.timeout(900)
def test_feast_and_asof_lead_to_the_same_rows_and_the_same_champion(
    feast: Path, tmp_path: Path, call: Callable[..., Any]
) -> None:
    tables = [{**table, "source": str(feast / table["source"])} for table in ASOF["tables"]]
    labels = str(feast / "labels.parquet")
    store = {"source": f"feast:{feast}", "options": {"entities": labels, "features": "churn_v1"}}
    with_feast = workspace(tmp_path / "feast", store)
    with_asof = workspace(tmp_path / "asof", {"source": labels, "asof": {**ASOF, "tables": tables}})

    ran = [call(folder, "run", "--max-trials", "2") for folder in (with_feast, with_asof)]

    records = [json.loads((folder / "data" / "split.json").read_text()) for folder in (with_feast, with_asof)]
    assert records[0]["splits"] == records[1]["splits"]  # rows, fingerprints, hashes of the files, classes
    assert records[0]["schema"] == records[1]["schema"]
    assert {"visits", "spend", "tariff", "is_business"} <= {c["name"] for c in records[0]["schema"]["columns"]}
    assert sum(part["rows"] for part in records[0]["splits"].values()) == 610
    champions = [found["evaluate"]["champion"] for found in ran]
    assert champions[0]["model"] == champions[1]["model"]
    assert champions[0]["validation_score"] == champions[1]["validation_score"]
    assert ran[0]["evaluate"]["metrics"] == ran[1]["evaluate"]["metrics"]
    audits = [{(f["check"], f["count"]) for f in record["audit"]} for record in records]
    assert {("late_rows", 163), ("unmatched_labels", 71)} <= audits[0] & audits[1]

    for folder in (with_feast, with_asof):
        call(folder, "predict", labels, "scores.parquet")
    scores = [pq.read_table(folder / "scores.parquet") for folder in (with_feast, with_asof)]
    assert scores[0].num_rows == 610
    assert scores[0].equals(scores[1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_store_is_asked_each_time_and_a_change_of_its_tables_is_noticed(
    feast: Path, tmp_path: Path, call: Callable[..., Any]
) -> None:
    store = shutil.copytree(feast, tmp_path / "store")
    options = {"entities": str(store / "labels.parquet"), "features": "churn_v1"}
    folder = workspace(tmp_path / "work", {"source": f"feast:{store}", "options": options})
    assert not call(folder, "split")["unchanged"]
    assert call(folder, "split")["unchanged"]

    usage = pq.read_table(store / "usage.parquet")
    pq.write_table(usage.slice(0, usage.num_rows - 100), store / "usage.parquet")

    assert not call(folder, "split")["unchanged"]
