"""Two models trained one after the other; `evaluate` asks the tracker which is better, `register` tells it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pytest

# MLflow's own client and its dependencies warn about themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
CONFIG = """\
data:
  source: rows.csv
  target: churned
  positive_class: yes
train:
  project_name: two-models
evaluate:
  figures: false
  n_bootstrap: 20
"""
MODELS = ("lgbm", "xgboost")


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What the steps printed as JSON, and the candidate of each training by its model."""

    candidates: dict[str, dict[str, Any]]
    trackers: tuple[str, ...]
    evaluation: dict[str, Any]
    registration: dict[str, Any]

    @property
    def better(self) -> dict[str, Any]:
        """The candidate with the higher ROC AUC."""
        return max(self.candidates.values(), key=lambda candidate: candidate["validation_score"])


def _make_workspace(folder: Path) -> None:
    rng = np.random.default_rng(3)
    n = 300
    x, z, plan = rng.normal(size=n), rng.normal(size=n), rng.choice(["a", "b", "c"], size=n)
    churned = np.where(x * z + (plan == "b") + rng.normal(size=n) / 2 > 0.3, "yes", "no")
    pcsv.write_csv(pa.table({"x": x, "z": z, "plan": plan, "churned": churned}), folder / "rows.csv")
    (folder / "mltrain.yaml").write_text(CONFIG)


def _live(folder: Path, options: Sequence[str], *, call: Any, program: Any) -> Story:
    """Run the steps; every training is a process of its own."""

    def step(run: Any, *words: str) -> dict[str, Any]:
        ended = run(folder, *words, "--json", *options)
        assert ended.code == 0, ended.err
        return dict(ended.document["data"])

    _make_workspace(folder)
    step(call, "split")
    trained = [step(program, "train", "--model", model, "--max-trials", "2") for model in MODELS]
    step(call, "runs", "sync")  # on a busy machine the ten seconds that a tracker gets may not be enough
    return Story(
        candidates={model: data["candidates"][0] for model, data in zip(MODELS, trained, strict=True)},
        trackers=tuple(data["tracker"] for data in trained),
        evaluation=step(call, "evaluate"),
        registration=step(call, "register"),
    )


def _assert_the_better_was_picked(story: Story) -> None:
    ranking = story.evaluation["ranking"]
    scores = {candidate["run_id"]: candidate["validation_score"] for candidate in story.candidates.values()}
    assert {name: candidate["model"] for name, candidate in story.candidates.items()} == {name: name for name in MODELS}
    assert len(set(scores.values())) == 2
    assert {run["run_id"]: run["validation_score"] for run in ranking} == scores
    assert [run["source"] for run in ranking] == ["tracker", "tracker"]
    assert story.evaluation["champion"]["run_id"] == story.better["run_id"]
    assert story.evaluation["champion"]["model"] == story.better["model"]
    assert story.evaluation["warnings"] == []
    assert story.registration["run_id"] == story.better["run_id"]
    assert story.registration["aliases"] == ["champion"]
    assert story.registration["warnings"] == []


def test_comet_offline_answers_with_the_better_one(tmp_path: Path, call: Any, program: Any) -> None:
    story = _live(tmp_path, ["--set", "train.experiment_tracker=comet_ml"], call=call, program=program)

    assert {name.partition(" ")[0] for name in story.trackers} == {"comet_ml"}
    assert story.evaluation["answered"] == "comet_ml (offline: no key)"
    _assert_the_better_was_picked(story)
    assert story.registration["tracker_version"] is not None

    for record in (tmp_path / "runs").glob("*/tracking.jsonl"):
        record.unlink()
    alone = call(tmp_path, "evaluate", "--json").document["data"]

    assert alone["ranking"] == story.evaluation["ranking"]
    assert alone["champion"] == story.evaluation["champion"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow")
def test_a_server_of_mlflow_answers_with_the_better_one_and_holds_the_champion(
    tmp_path: Path, call: Any, program: Any, mlflow_server: str
) -> None:
    from mlflow.tracking import MlflowClient

    uri = f"train.tracker_options.tracking_uri={mlflow_server}"
    story = _live(tmp_path, ["--set", "train.experiment_tracker=mlflow", "--set", uri], call=call, program=program)

    assert {name.partition(" ")[0] for name in story.trackers} == {"mlflow"}
    assert story.evaluation["answered"] == "mlflow (server)"
    _assert_the_better_was_picked(story)
    client = MlflowClient(tracking_uri=mlflow_server, registry_uri=mlflow_server)
    version = client.get_model_version_by_alias(story.registration["name"], "champion")
    run = client.get_run(version.run_id)
    assert str(version.version) == story.registration["tracker_version"]
    assert run.data.tags["mltrain.run_id"] == story.better["run_id"]
    assert run.info.run_id == story.evaluation["champion"]["tracker_id"]
    assert run.data.metrics["validation_score"] == pytest.approx(story.better["validation_score"], abs=1e-12)
    stored = client.list_artifacts(version.run_id, "models/model/data")
    assert "models/model/data/manifest.json" in [entry.path for entry in stored]
