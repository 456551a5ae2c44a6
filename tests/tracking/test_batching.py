"""Hundreds of trials reach a tracker in few requests, far below what a service allows."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from comet_server.server import CometServer

from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.mirror import Mirror

# The clients leave files and threads to the garbage collector and warn about themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

N_TRIALS, N_METRICS = 300, 10


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def _mirrored(runs: Path, tracker: Tracker) -> str:
    """Record trials as training does, send them while the record grows, and return the tracker's id of the run."""
    local = open_local(TrackerSettings(project="p", workspace=None, directory=runs, options={}))
    run = local.start_run("trials")
    copy = Mirror(runs / run.id, tracker, name=tracker.name)
    for step in range(N_TRIALS):
        run.log_metrics({f"metric_{number}": step + number / 16 for number in range(N_METRICS)}, step=step)
        if step % 7 == 0:
            copy.advance()
    run.finish()
    copy.advance()
    state = copy.close()
    assert state.status == "synced"
    assert state.remote_id is not None
    return state.remote_id


def test_comet_takes_three_thousand_points_in_few_requests(
    settings: TrackerSettings, comet_server: CometServer, runs: Path
) -> None:
    from mltrain.tracking.comet import open_tracker

    run_id = _mirrored(runs, open_tracker(settings))

    experiment = comet_server.state.experiments[run_id]
    points = [p for p in experiment.points if p["metricName"].startswith("metric_")]
    batches = [r for r in comet_server.requests if r.endswith("batch/logger/experiment/metric")]
    assert len(points) == N_TRIALS * N_METRICS
    assert len(batches) <= 12  # its client sends 1000 points, or what came in two seconds
    assert len(comet_server.requests) <= 60  # 12,000 metrics a minute and 15,000 requests an hour are allowed


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow")
def test_mlflow_takes_three_thousand_points_in_few_requests(
    settings: TrackerSettings, mlflow_server: str, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    from mltrain.tracking.mlflow import open_tracker

    asked: list[str] = []
    send = requests.Session.send

    def counted(session: requests.Session, request: requests.PreparedRequest, **more: object) -> requests.Response:
        asked.append(f"{request.method} {request.path_url}")
        return send(session, request, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(requests.Session, "send", counted)
    options = {"tracking_uri": mlflow_server}
    tracker = open_tracker(replace(settings, project="batching", options=options))

    run_id = _mirrored(runs, tracker)

    batches = [r for r in asked if r.endswith("runs/log-batch")]
    assert len(batches) <= 12  # 500 points, or what came in two seconds
    assert len(asked) <= 30
    for number in (0, N_METRICS - 1):
        history = tracker.metric_history(run_id, f"metric_{number}")
        assert history == [(step, step + number / 16) for step in range(N_TRIALS)]

    asked.clear()
    for number in range(20):
        tracker.start_run(f"run-{number}", {"kind": "small"}).finish()
    asked.clear()
    assert len(tracker.list_runs({"kind": "small"}, limit=20)) == 20
    assert len(asked) == 1
