"""The same command in two folders, in processes of their own: the same trials, scores and predictions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FAMILIES = ("logistic_regression", "random_forest", "lgbm", "xgboost")
TRIALS = 10  # the first eight at most are the same for every seed
N = 160
CONFIG = """\
data:
  source: rows.parquet
  target: klasse
  id_columns: [nummer]
train:
  experiment_tracker: local
  project_name: twice
  n_folds: 3
models:
  random_forest:
    params: {n_estimators: 30}
evaluate:
  figures: false
  n_bootstrap: 20
"""


def _rows() -> pa.Table:
    rng = np.random.default_rng(11)
    x, z, city = rng.normal(size=N), rng.normal(size=N), rng.choice(["Łódź", "東京", "Köln"], size=N)
    label = np.where(x * z + (city == "Köln") + rng.normal(size=N) / 2 > 0.4, "ja", "nein")
    missing = rng.random(N) < 0.1
    return pa.table(
        {"nummer": [f"n{i}" for i in range(N)], "x": pa.array(x, mask=missing), "z": z, "city": city, "klasse": label}
    )


def _train(folder: Path, program: Any, *, seed: int, models: Sequence[str] = FAMILIES) -> dict[str, Any]:
    """Split and train; return what `train` printed."""
    folder.mkdir()
    (folder / "mltrain.yaml").write_text(CONFIG)
    pq.write_table(_rows(), folder / "rows.parquet")
    options = ("--set", f"seed={seed}", "--json")
    assert program(folder, "split", *options).code == 0
    chosen = [word for model in models for word in ("--model", model)]
    trained = program(folder, "train", *chosen, "--max-trials", str(TRIALS), *options)
    assert trained.code == 0, trained.err
    return dict(trained.document["data"])


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, program: Any) -> tuple[Path, Path]:
    """Train twice with one seed, in two folders."""
    root = tmp_path_factory.mktemp("twins")
    for name in ("one", "two"):
        document = _train(root / name, program, seed=5)
        (root / name / "train.json").write_text(json.dumps(document))
    return root / "one", root / "two"


def _candidates(folder: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((folder / "train.json").read_text())["candidates"]
    return {candidate["model"]: candidate for candidate in found}


def _trials(folder: Path, run_id: str) -> pa.Table:
    """Return the trials of a run without the seconds they took."""
    table = pq.read_table(folder / "runs" / run_id / "trials.parquet")
    return table.drop_columns(["seconds"])


@pytest.mark.parametrize("family", FAMILIES)
def test_trials_are_identical(twins: tuple[Path, Path], family: str) -> None:
    one, two = (_trials(folder, _candidates(folder)[family]["run_id"]) for folder in twins)

    assert one.num_rows == TRIALS
    assert {"params", "score", "fold_scores", "n_rounds"} <= set(one.column_names)
    assert one.equals(two)


def test_candidates_are_identical(twins: tuple[Path, Path]) -> None:
    one, two = (
        {
            model: {key: value for key, value in candidate.items() if key not in ("run_id", "seconds")}
            for model, candidate in _candidates(folder).items()
        }
        for folder in twins
    )

    assert set(one) == {*FAMILIES, "ensemble"}
    assert one == two


@pytest.mark.parametrize("model", [*FAMILIES, "ensemble"])
def test_predictions_are_identical_bit_for_bit(twins: tuple[Path, Path], model: str, call: Any) -> None:
    scored = []
    for folder in twins:
        run_id = _candidates(folder)[model]["run_id"]
        ended = call(folder, "predict", "rows.parquet", f"{model}.parquet", "--model", run_id)
        assert ended.code == 0, ended.err
        scored.append(pq.read_table(folder / f"{model}.parquet"))

    one, two = scored
    assert one.column_names == ["nummer", "prediction", "proba_nein", "proba_ja"]  # the rarer class is positive
    assert one.num_rows == N
    assert one.equals(two)
    for name in ("proba_ja", "proba_nein"):
        assert one[name].to_numpy().tobytes() == two[name].to_numpy().tobytes()


def test_another_seed_tries_something_else(twins: tuple[Path, Path], tmp_path: Path, program: Any) -> None:
    document = _train(tmp_path / "other", program, seed=6, models=("lgbm", "logistic_regression"))

    for candidate in document["candidates"]:
        if candidate["model"] != "ensemble":
            this = _trials(tmp_path / "other", candidate["run_id"])
            that = _trials(twins[0], _candidates(twins[0])[candidate["model"]]["run_id"])
            assert this.num_rows == that.num_rows == TRIALS
            assert this["params"].to_pylist() != that["params"].to_pylist()
            assert this["score"].to_pylist() != that["score"].to_pylist()
