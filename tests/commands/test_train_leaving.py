"""What a kept candidate leaves with the tracker, and the figures beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.tracking import RunInfo, Tracker, TrackerSettings
from mltrain.tracking.local import open_tracker
from mltrain.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")


@pytest.fixture
def tracker(trained: Workspace) -> Tracker:
    return open_tracker(TrackerSettings(project="churn", workspace=None, directory=trained.runs, options={}))


def _run(tracker: Tracker, model: str) -> RunInfo:
    return next(info for info in tracker.list_runs() if info.tags["mltrain.model"] == model)


@pytest.mark.parametrize("model", ["lgbm", "logistic_regression", "ensemble"])
def test_tags_and_scores_point_at_what_is_on_disk(trained: Workspace, tracker: Tracker, model: str) -> None:
    info = _run(tracker, model)
    record = json.loads((trained.run(info.id) / "run.json").read_text())

    assert info.status == "finished"
    manifest = (trained.run(info.id) / "model" / "manifest.json").read_bytes()
    assert info.tags["mltrain.manifest"] == hashlib.sha256(manifest).hexdigest()
    assert info.tags["mltrain.session"] == record["session"]
    assert info.tags["mltrain.data"] == record["data"]["fingerprint"]
    assert info.tags["mltrain.target"] == "churned"
    assert info.metrics["validation_score"] == record["validation_score"]
    assert info.metrics["latency_ms"] > 0
    assert info.params["final_fit"] == record["final_fit"]


def test_trials_and_rounds_are_steps(trained: Workspace, tracker: Tracker) -> None:
    info = _run(tracker, "lgbm")
    record = json.loads((trained.run(info.id) / "run.json").read_text())

    scores = tracker.metric_history(info.id, "trial_score")
    assert sorted(step for step, _ in scores) == [0, 1, 2]
    best = max(score for _, score in scores)  # ROC AUC
    assert record["best_trial"]["score"] == best
    assert best - 0.02 < record["validation_score"] <= best  # less what picking it flatters
    losses = tracker.metric_history(info.id, "valid_loss")
    assert [step for step, _ in losses] == sorted({step for step, _ in losses})
    assert losses[-1][1] < losses[0][1]


def test_the_ensemble_names_its_members(tracker: Tracker) -> None:
    weights = {k: float(v) for k, v in _run(tracker, "ensemble").params.items() if k.startswith("weight ")}

    assert sum(weights.values()) == pytest.approx(1, abs=1e-5)  # each is rounded to six places
    assert {k.removeprefix("weight ").partition("#")[0] for k in weights} <= {"lgbm", "logistic_regression"}


@pytest.mark.parametrize("figures", [True, False])
def test_figures_are_drawn_and_logged_where_they_are_wanted(tmp_path: Path, churn: Any, figures: bool) -> None:
    workspace = Workspace(root=tmp_path)
    config: Config = churn(train={"supported_models": ["lgbm"]}, evaluate={"figures": figures})
    split(config, workspace)

    (line,) = train(config, workspace, request=TrainRequest(max_trials=3)).candidates

    drawn = {p.name for p in (workspace.run(line.run_id) / "figures").glob("*.png")}
    artefacts = json.loads((workspace.run(line.run_id) / "run.json").read_text())["artefacts"]
    assert {name.removeprefix("figures/") for name in artefacts if name.startswith("figures/")} == drawn
    assert ("learning_curve.png" in drawn) is figures
