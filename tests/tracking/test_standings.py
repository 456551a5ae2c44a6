"""What commands learn of a run when the tracker that knows it stops answering."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain import plugins
from mltrain.config import TrainSection
from mltrain.errors import NoRunError, TrackerError
from mltrain.leaderboard import Standing
from mltrain.tracking import Run, RunInfo, Tracker, TrackerSettings
from mltrain.tracking.local import open_tracker
from mltrain.tracking.standings import Trackers, get_info, list_standings, open_trackers
from mltrain.workspace import Workspace


def _settings(directory: Path) -> TrackerSettings:
    return TrackerSettings(project="p", workspace=None, directory=directory, options={})


class Silent:
    """A tracker that fails to tell of its runs."""

    name = "silent"

    def get_run(self, run_id: str) -> RunInfo:
        raise TrackerError(f"gone before telling of {run_id}")


def _standing(run: Run) -> Standing:
    return Standing(
        model="lgbm", run_id=run.id, session="s", metric="roc_auc", validation_score=0.5, status="finished",
        started_ms=1, source="tracker", tracker_id="key", data="d", target="y", manifest="m",
    )  # fmt: skip


@pytest.fixture
def trackers(tmp_path: Path) -> Trackers:
    remote: Tracker = Silent()  # type: ignore[assignment]
    local = open_tracker(_settings(tmp_path / "runs"))
    return Trackers(name="silent", settings=_settings(tmp_path), local=local, remote=remote)


def test_the_local_record_answers_with_a_warning(trackers: Trackers) -> None:
    run = trackers.local.start_run("lgbm-1")
    run.log_params({"depth": 3})
    run.finish()

    answer = get_info(trackers, _standing(run))

    assert answer.info.params == {"depth": "3"}
    assert answer.warnings == ("silent did not tell of run lgbm-1, local record taken: gone before telling of key",)


def test_without_a_local_record_the_failure_is_the_answer(trackers: Trackers, tmp_path: Path) -> None:
    foreign = _standing(open_tracker(_settings(tmp_path / "elsewhere")).start_run("lgbm-2"))

    with pytest.raises(TrackerError, match="gone before telling"):
        get_info(trackers, foreign)
    with pytest.raises(NoRunError):
        get_info(trackers, replace(foreign, source="local"))


def test_a_tracker_that_does_not_open_in_time_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def hang(settings: TrackerSettings) -> Tracker:
        is_over.wait(60)
        raise TrackerError("nobody waits for this")

    load = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: hang if name == "mlflow" else load(group, name))
    monkeypatch.setattr("mltrain.tracking.standings.OPEN_S", 0.05)
    settings = TrainSection(experiment_tracker="mlflow", project_name="churn")

    with open_trackers(settings, Workspace(root=tmp_path)) as opened:
        found = list_standings(opened, run=None, limit=5)
    is_over.set()

    assert opened.remote is None
    assert found.warnings == ("mlflow cannot be opened, local records are used: no answer within 0.05 s",)


def test_a_run_that_was_sent_late_is_as_old_as_its_training(tmp_path: Path) -> None:
    local, remote = open_tracker(_settings(tmp_path / "here")), open_tracker(_settings(tmp_path / "there"))
    remote.name = "elsewhere"
    late = remote.start_run("lgbm-1", {"mltrain.kind": "training", "mltrain.started_ms": "1700000000000"})
    late.finish()
    trackers = Trackers(name="elsewhere", settings=_settings(tmp_path), local=local, remote=remote)

    (found,) = list_standings(trackers, run=None, limit=10).standings

    assert found.started_ms == 1_700_000_000_000
