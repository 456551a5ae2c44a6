"""The main job from init to predict, on small tables with everything that real ones have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

N = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A table, where it is kept, and what its target and its probabilities are called."""

    suffix: str
    labels: Sequence[Any]
    target: str
    probabilities: Sequence[str]
    metric: str
    positive: str | None
    model: str


CASES = {
    "unicode text": Case(
        suffix=".csv",
        labels=("täglich", "nie ✗"),
        target="Größe ≥ 3?",
        probabilities=("proba_täglich", "proba_nie ✗"),
        metric="roc_auc",
        positive="nie ✗",
        model="lgbm",
    ),
    "integers 1 and 2": Case(
        suffix=".parquet",
        labels=(1, 2),
        target="klasse",
        probabilities=("proba_1", "proba_2"),
        metric="roc_auc",
        positive="2",
        model="logistic_regression",
    ),
    "booleans": Case(
        suffix=".parquet",
        labels=(False, True),
        target="gekündigt",
        probabilities=("proba_false", "proba_true"),
        metric="roc_auc",
        positive="true",
        model="xgboost",
    ),
    "three classes": Case(
        suffix=".parquet",
        labels=("緑", "赤", "青"),
        target="色",
        probabilities=("proba_緑", "proba_赤", "proba_青"),
        metric="log_loss",
        positive=None,
        model="random_forest",
    ),
}


def _table(case: Case) -> pa.Table:
    """Return rows with names and values of many kinds; the last class is the rarest."""
    rng = np.random.default_rng(2)
    x, town = rng.normal(size=N), rng.choice(["Łódź", "東京", "São Paulo"], size=N)
    signal = x + (town == "東京") + rng.normal(size=N) / 2
    cuts = np.quantile(signal, [0.6] if len(case.labels) == 2 else [0.45, 0.75])
    labels = [case.labels[code] for code in np.searchsorted(cuts, signal)]
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, size=N)
    return pa.table(
        {
            "kunden_id": [f"ключ-{i:04d}" for i in range(N)],
            "naïve höhe": pa.array(x, mask=rng.random(N) < 0.1),
            "město": pa.array(town, mask=rng.random(N) < 0.1),
            "aktiv": pa.array(rng.random(N) < 0.5, mask=rng.random(N) < 0.1),
            "seit 日": pa.array(days.astype("datetime64[D]"), mask=rng.random(N) < 0.1),
            "Anzahl": pa.array(rng.integers(0, 9, size=N)),
            case.target: labels,
        }
    )


def _write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".csv":
        pcsv.write_csv(table, path)
    else:
        pq.write_table(table, path)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_six_commands_lead_from_a_table_to_predictions(case: Case, tmp_path: Path, call: Any) -> None:
    table, source = _table(case), f"daten{case.suffix}"
    _write(table, tmp_path / source)
    settings = ("--set", "train.experiment_tracker=local", "--set", "evaluate.n_bootstrap=20")

    def step(*words: str) -> dict[str, Any]:
        ended = call(tmp_path, *words, "--json", *settings)
        assert ended.code == 0, ended.err
        document = ended.document
        assert list(document) == ["schema", "command", "status", "data", "errors"]
        assert (document["schema"], document["command"], document["status"]) == (1, words[0], "ok")
        assert document["errors"] == []
        return dict(document["data"])

    begun = step("init", source, "--target", case.target)
    kinds = {column["name"]: column["kind"] for column in begun["columns"]}
    assert kinds == {
        "kunden_id": "id",
        "naïve höhe": "numeric",
        "město": "category",
        "aktiv": "boolean",
        "seit 日": "date",
        "Anzahl": "numeric",
    }
    assert (begun["target"], begun["positive_class"]) == (case.target, case.positive)

    parts = step("split")["splits"]
    assert {part["name"]: part["rows"] for part in parts} == {"train": 144, "validation": 48, "test": 48}

    (candidate,) = step("train", "--model", case.model, "--max-trials", "2")["candidates"]
    assert {"model", "run_id", "metric", "validation_score", "n_trials", "seconds"} <= set(candidate)
    assert (candidate["model"], candidate["metric"], candidate["n_trials"]) == (case.model, case.metric, 2)
    assert (tmp_path / "runs" / candidate["run_id"] / "run.json").exists()

    judged = step("evaluate")
    assert judged["champion"]["run_id"] == candidate["run_id"]
    assert judged["champion"]["validation_score"] == candidate["validation_score"]
    assert all(set(interval) == {"value", "low", "high"} for interval in judged["metrics"].values())
    assert set(judged["gate"]) == {"passed", "metric", "value", "threshold", "undefined"}
    assert judged["gate"]["passed"]
    assert judged["gate"]["value"] == judged["metrics"][case.metric]["value"]
    assert judged["openings"] == 1

    registered = step("register")
    assert {"name", "version", "aliases"} <= set(registered)
    assert (registered["version"], registered["aliases"]) == ("1", ["champion"])

    unlabelled = table.drop_columns([case.target]).slice(5, 100)
    _write(unlabelled, tmp_path / f"neu{case.suffix}")
    step("predict", f"neu{case.suffix}", "bewertet.parquet")
    scored = pq.read_table(tmp_path / "bewertet.parquet")
    assert scored.column_names == ["kunden_id", "prediction", *case.probabilities]
    assert scored["kunden_id"].to_pylist() == unlabelled["kunden_id"].to_pylist()
    assert set(scored["prediction"].to_pylist()) <= set(case.labels)
    probabilities = np.column_stack([scored[name].to_numpy() for name in case.probabilities])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-9)  # sums of floats of a few ulp each
    truth = table[case.target].slice(5, 100).to_pylist()
    hits = np.mean([given == true for given, true in zip(scored["prediction"].to_pylist(), truth, strict=True)])
    assert hits > 0.6  # the commonest class has 60 % or less
    _assert_decisions_follow(scored, case, threshold=judged["threshold"])


def _assert_decisions_follow(scored: pa.Table, case: Case, *, threshold: float | None) -> None:
    """Compare each decision with the probabilities on its row."""
    probabilities = np.column_stack([scored[name].to_numpy() for name in case.probabilities])
    if len(case.labels) == 2:
        codes = (probabilities[:, 1] >= (0.5 if threshold is None else threshold)).astype(int)
    else:
        codes = probabilities.argmax(axis=1)
    assert scored["prediction"].to_pylist() == [case.labels[code] for code in codes]


def test_predictions_as_csv_are_those_of_parquet(tmp_path: Path, call: Any) -> None:
    case = CASES["unicode text"]
    _write(_table(case), tmp_path / "daten.csv")
    settings = ("--set", "train.experiment_tracker=local", "--set", "evaluate.figures=false", "-q")
    assert call(tmp_path, "init", "daten.csv", "--target", case.target).code == 0
    ended = call(tmp_path, "run", "--model", "logistic_regression", "--max-trials", "1", *settings)
    assert ended.code == 0, ended.err

    for name in ("out.csv", "out.parquet"):
        assert call(tmp_path, "predict", "daten.csv", name).code == 0

    as_text, as_binary = pcsv.read_csv(tmp_path / "out.csv"), pq.read_table(tmp_path / "out.parquet")
    assert as_text.column_names == as_binary.column_names
    assert as_text.to_pylist() == as_binary.to_pylist()
