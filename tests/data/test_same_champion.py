"""The whole job on one table that lies in a database, a file of one, a store and a lake: one split, one champion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from mltrain.cli import main
from mltrain.data.churn import make_churn

ADULT = Path(__file__).parents[3] / "shared/data/adult/train.parquet"
TRAIN = {
    "experiment_tracker": "local",
    "supported_models": ["logistic_regression", "lgbm"],
    "ensemble": False,
    "n_folds": 3,
}


def census() -> tuple[pa.Table, dict[str, Any]]:
    """Return the adult rows where they are there, else the bundled example, and what a config says of the columns."""
    if not ADULT.is_file():
        return make_churn(), {"target": "churned", "id_columns": ["row_id", "customer"]}
    rows = pq.read_table(ADULT)
    plain = {"dictionary": pa.string(), "large_string": pa.string(), "int": pa.int64(), "uint": pa.int64()}
    kinds = [next((kind for name, kind in plain.items() if str(f.type).startswith(name)), f.type) for f in rows.schema]
    rows = rows.cast(pa.schema(list(zip(rows.column_names, kinds, strict=True))))
    rows = rows.add_column(0, "row_id", pa.array(range(rows.num_rows)))
    return rows, {"target": "target", "id_columns": ["row_id"]}


def put_everywhere(rows: pa.Table, folder: Path, *, store: Any, postgres: Any) -> dict[str, dict[str, Any]]:
    """Write the rows to four places, and return what a config says to read each."""
    postgres.fill("census", rows, key="row_id")
    with duckdb.connect(folder / "census.duckdb") as connection:
        connection.register("given", rows)
        connection.execute("create table census as select * from given")
    pq.write_table(rows, folder / "rows.parquet")
    store.put("census/rows.parquet", folder / "rows.parquet")
    lake = str(folder / "lake")
    write_deltalake(lake, rows)
    write_deltalake(lake, rows.slice(0, 100), mode="append")
    return {
        "postgres": {"source": postgres.url, "options": {"query": "select * from census order by row_id"}},
        "duckdb": {"source": str(folder / "census.duckdb")},
        "s3": {"source": "s3://lake/census/"},
        "delta": {"source": f"delta:{lake}", "options": {"version": 0}},
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_rows_lead_to_the_same_split_and_champion_from_every_source(
    store: Any, postgres: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rows, columns = census()
    fingerprints, champions, metrics = {}, {}, {}
    for name, source in put_everywhere(rows, tmp_path, store=store, postgres=postgres).items():
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        config = {"data": {**source, **columns}, "train": TRAIN, "evaluate": {"figures": False, "n_bootstrap": 20}}
        Path("mltrain.yaml").write_text(json.dumps(config))
        capfd.readouterr()

        with pytest.raises(SystemExit) as ended:
            main(["run", "--max-trials", "2", "--json"])

        out, err = capfd.readouterr()
        assert ended.value.code in (0, None), f"{name}: {err}"
        evaluated = json.loads(out)["data"]["evaluate"]
        fingerprints[name] = json.loads((folder / "data" / "split.json").read_text())["fingerprint"]
        champions[name] = (evaluated["champion"]["model"], evaluated["champion"]["validation_score"])
        metrics[name] = evaluated["metrics"]

    assert len(fingerprints) == 4
    assert len(set(fingerprints.values())) == 1, fingerprints
    assert len(set(champions.values())) == 1, champions
    assert all(found == metrics["s3"] for found in metrics.values()), metrics
