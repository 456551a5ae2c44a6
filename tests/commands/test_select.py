"""The best recent run of a project without a config: as `evaluate` ranks, from the records and from a tracker."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import pytest

import mltrain
from mltrain.commands.evaluate import evaluate
from mltrain.errors import ConfigError, NoRunError
from mltrain.tracking import Run, Tracker, TrackerSettings
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.sync_state import SyncState, write_state
from mltrain.workspace import Workspace


def _on_mlflow(test: Any) -> Any:
    """Mark a test that opens an MLflow store, whose libraries warn of each other."""
    marks = [
        pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow"),
        pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
        pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    ]
    for mark in marks:
        test = mark(test)
    return test


def _settings(directory: Path) -> TrackerSettings:
    return TrackerSettings(project="churn", workspace=None, directory=directory, options={})


def _add(tracker: Tracker, name: str, score: float | None, *, status: Any = "finished", **changes: str) -> Run:
    """Add a run as training leaves it, begun later than those before."""
    time.sleep(0.003)  # runs are ordered by the millisecond
    tags = {
        "run_id": name, "kind": "training", "model": name.partition("-")[0], "metric": "roc_auc", "data": "d",
        "target": "y", "manifest": "m", "validation": "roc_auc kfold 5 42",
    }  # fmt: skip
    run = tracker.start_run(name, {f"mltrain.{key}": value for key, value in {**tags, **changes}.items()})
    if score is not None:
        run.log_metrics({"validation_score": score})
    run.finish(status)
    return run


@pytest.fixture
def local(tmp_path: Path) -> Tracker:
    return open_local(_settings(tmp_path / "runs"))


@pytest.fixture(autouse=True)
def _records_that_say_the_project(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Where no training has left a record, runs are of the project churn."""
    if "local" in request.fixturenames:
        monkeypatch.setattr("mltrain.commands.select._project", lambda *_: "churn")


def test_it_is_the_run_that_evaluate_picks(trained: Workspace, churn: Any) -> None:
    judged = evaluate(churn(), trained)

    found = mltrain.select("churn", tracker="local", directory=trained.root)

    assert (found.model, found.run_id) == (judged.champion.model, judged.champion.run_id)
    assert found.ranking == judged.ranking
    assert (found.key, found.metric, found.tracker) == (found.run_id, "roc_auc", "local")
    assert found.score == judged.champion.validation_score
    assert mltrain.load_model(trained.run(found.run_id) / "model").name == found.model


def test_local_runs_of_another_project_do_not_count(trained: Workspace) -> None:
    with pytest.raises(NoRunError, match=r"no run of project 'credit' to select \(left out: 3 of another project"):
        mltrain.select("credit", tracker="local", directory=trained.root)


def test_a_run_without_a_record_is_of_no_project(trained: Workspace) -> None:
    best = mltrain.select("churn", tracker="local", directory=trained.root)
    (trained.run(best.run_id) / "run.json").unlink()

    second = mltrain.select("churn", tracker="local", directory=str(trained.root))

    assert second.run_id == best.ranking[1].run_id


def test_nothing_is_written_and_nothing_found_where_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoRunError, match=r"no run of project 'churn' to select \(none found\)") as told:
        mltrain.select("churn", tracker="local", directory=tmp_path)

    assert "directory=" in str(told.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_the_latest_run_says_what_is_compared(local: Tracker, tmp_path: Path) -> None:
    _add(local, "lgbm-1", 0.99, data="rows of last year")
    _add(local, "lgbm-2", 0.80)
    _add(local, "xgboost-3", 0.70)
    _add(local, "random_forest-4", 0.95, status="failed", data="rows of today")
    _add(local, "random_forest-5", None, data="rows of today")

    found = mltrain.select("churn", tracker="local", directory=tmp_path)

    assert [one.run_id for one in found.ranking] == ["lgbm-2", "xgboost-3"]


def test_runs_of_a_metric_are_chosen_in_its_direction(local: Tracker, tmp_path: Path) -> None:
    for name, loss in (("lgbm-1", 0.5), ("xgboost-2", 0.4)):
        _add(local, name, loss, metric="log_loss", validation="log_loss kfold 5 42")
    _add(local, "lgbm-3", 0.9)

    latest, by_loss = (
        mltrain.select("churn", None, m, tracker="local", directory=tmp_path) for m in (None, "log_loss")
    )

    assert (latest.run_id, latest.metric) == ("lgbm-3", "roc_auc")
    assert (by_loss.run_id, by_loss.score) == ("xgboost-2", 0.4)
    with pytest.raises(NoRunError, match="3 compared by another metric than f1"):
        mltrain.select("churn", None, "f1", tracker="local", directory=tmp_path)


def test_only_runs_with_the_tags_are_looked_at(local: Tracker, tmp_path: Path) -> None:
    run = _add(local, "lgbm-1", 0.7)
    again = local.resume_run(run.id)
    again.set_tags({"team": "risk"})
    again.finish()
    _add(local, "lgbm-2", 0.9)

    found = mltrain.select("churn", tracker="local", directory=tmp_path, tags={"team": "risk"})

    assert [one.run_id for one in found.ranking] == ["lgbm-1"]


@_on_mlflow
def test_the_run_of_a_tracker_has_its_key(tmp_path: Path, mlflow_database: Path) -> None:
    from mltrain.tracking.mlflow import open_tracker

    directory = Workspace(root=tmp_path).tracker("mlflow")
    directory.mkdir(parents=True)
    (directory / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    tracker = open_tracker(_settings(directory))
    run = _add(tracker, "lgbm-1", 0.9)
    _add(tracker, "xgboost-2", 0.8)
    tracker.close()

    found = mltrain.select("churn", tracker="mlflow", directory=tmp_path)

    assert (found.model, found.run_id, found.key) == ("lgbm", "lgbm-1", run.id)
    assert found.key != found.run_id
    assert found.tracker.startswith("mlflow")


@_on_mlflow
def test_a_tracker_that_cannot_be_opened_is_told_and_the_records_know_the_key(
    local: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _add(local, "lgbm-1", 0.9)
    write_state(tmp_path / "runs" / run.id, SyncState(tracker="mlflow", mode="server", remote_id="abc"))
    options = {"tracking_uri": "http://127.0.0.1:9"}
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    found = mltrain.select("churn", tracker="mlflow", tracker_options=options, directory=tmp_path)

    assert (found.run_id, found.key, found.tracker) == ("lgbm-1", "abc", "local")
    assert len(found.warnings) == 1
    assert "mlflow" in found.warnings[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tracker": "mlfow"}, "no tracker is called 'mlfow'"),
        ({"metric": "aucc"}, "no metric is called 'aucc'"),
        ({"max_eval_experiments": 0}, "must be at least 1"),
        ({"project": 3}, "wants text, got 3"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        mltrain.select(**{"project": "churn", "directory": tmp_path, **settings})


def test_without_a_key_comet_answers_from_its_archives_and_the_records(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMET_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(trained.root))
    best = max(
        (json.loads(path.read_text()) for path in trained.runs.glob("*/run.json")), key=lambda r: r["validation_score"]
    )

    found = mltrain.select("churn", directory=trained.root)

    assert (found.run_id, found.key) == (best["run_id"], None)
    assert found.tracker.startswith("comet_ml (offline")
