"""Comet at the other end of the sender: a real process, the real client, the stand-in or archives."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from comet_server.calls import KEY
from comet_server.server import CometServer

from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.sender import start, sync

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

_WRONG_KEY = "WrongKeyOfSomebodyElse9876"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def _train(runs: Path) -> str:
    """Record a run as training does."""
    local = open_local(TrackerSettings(project="p", workspace=None, directory=runs, options={}))
    run = local.start_run("lgbm-1", {"mltrain.session": "s"})
    run.log_params({"depth": 3})
    for step in range(5):
        run.log_metrics({"trial_score": step / 8}, step=step)
    (runs / run.id / "figures").mkdir()
    (runs / run.id / "figures" / "roc.json").write_text("[]")
    run.log_file(runs / run.id / "figures" / "roc.json", "figures/roc.json")
    (runs / run.id / "model").mkdir()
    (runs / run.id / "model" / "manifest.json").write_text("{}")
    run.log_model(runs / run.id / "model")
    run.finish()
    return run.id


def _wait(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "nothing happened in time"
        time.sleep(0.05)


def _log_text(runs: Path) -> str:
    return "".join(p.read_text() for p in (runs / ".trackers").rglob("*.log"))


def test_the_sender_sends_to_a_server(
    settings: TrackerSettings, comet_server: CometServer, runs: Path, tmp_path: Path
) -> None:
    run_id = _train(runs)

    report = start("comet_ml", settings, runs=runs, session="s").finish(timeout_s=60)

    assert report.synced == (run_id,)
    assert (report.mode, report.warnings) == ("online", ())
    tracker = open_tracker(settings)
    (info,) = tracker.list_runs({"mltrain.run_id": run_id})
    assert report.urls == {run_id: info.url}
    assert info.params == {"depth": "3"}
    assert tracker.metric_history(info.id, "trial_score") == [(s, s / 8) for s in range(5)]
    assert (tracker.fetch_model(info.id, tmp_path / "m") / "manifest.json").read_text() == "{}"
    assert KEY not in _log_text(runs) + (runs / run_id / "sync.json").read_text()


def test_the_sender_writes_archives_without_a_key(settings: TrackerSettings, runs: Path, tmp_path: Path) -> None:
    run_id = _train(runs)

    report = start("comet_ml", settings, runs=runs, session="s").finish(timeout_s=60)

    assert report.synced == (run_id,)
    assert report.mode == "offline: no key"
    tracker = open_tracker(settings)
    (info,) = tracker.list_runs({"mltrain.run_id": run_id})
    assert tracker.metric_history(info.id, "trial_score") == [(s, s / 8) for s in range(5)]
    assert (tracker.fetch_model(info.id, tmp_path / "m") / "manifest.json").read_text() == "{}"


def test_a_wrong_key_leaves_the_runs_pending_and_is_in_no_log(
    settings: TrackerSettings, comet_server: CometServer, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _train(runs)
    monkeypatch.setenv("COMET_API_KEY", _WRONG_KEY)

    report = start("comet_ml", settings, runs=runs, session="s").finish(timeout_s=60)

    assert report.pending == (run_id,)
    assert len(report.warnings) == 1
    assert _WRONG_KEY not in _log_text(runs) + "".join(report.warnings)
    assert _WRONG_KEY not in (runs / run_id / "sync.json").read_text()

    monkeypatch.setenv("COMET_API_KEY", KEY)
    assert sync(runs, "comet_ml", settings).synced == (run_id,)


def test_a_run_that_met_trouble_is_tried_again_while_training_goes_on(
    settings: TrackerSettings, comet_server: CometServer, runs: Path
) -> None:
    comet_server.refuses_key = True
    run_id = _train(runs)
    sender = start("comet_ml", settings, runs=runs, session="s")
    _wait(lambda: "was not sent" in _log_text(runs))

    comet_server.refuses_key = False
    _wait(lambda: '"synced"' in (runs / run_id / "sync.json").read_text())
    report = sender.finish(timeout_s=60)

    assert (report.synced, report.warnings) == ((run_id,), ())


def test_what_a_killed_sender_leaves_is_removed_by_the_next(settings: TrackerSettings, runs: Path) -> None:
    scratch = runs / ".trackers" / "comet_ml" / "scratch"
    local = open_local(TrackerSettings(project="p", workspace=None, directory=runs, options={}))
    run = local.start_run("open", {"mltrain.session": "s"})
    (runs / run.id / "model").mkdir()
    (runs / run.id / "model" / "weights").write_bytes(b"many numbers")
    run.log_model(runs / run.id / "model")
    sender = start("comet_ml", settings, runs=runs, session="s")

    _wait(lambda: any(path.is_file() and path.read_bytes() == b"many numbers" for path in scratch.rglob("*")))
    sender.finish(timeout_s=0)
    left = list(scratch.iterdir())
    run.finish()
    report = start("comet_ml", settings, runs=runs, session="s").finish(timeout_s=60)

    assert left
    assert report.synced == (run.id,)
    assert list(scratch.iterdir()) == []


def test_what_was_written_offline_is_sent_once_there_is_a_key(
    settings: TrackerSettings, comet_server: CometServer, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _train(runs)
    monkeypatch.setenv("COMET_API_KEY", "")
    assert sync(runs, "comet_ml", settings).synced == (run_id,)
    monkeypatch.setenv("COMET_API_KEY", KEY)

    report = sync(runs, "comet_ml", settings)
    again = sync(runs, "comet_ml", settings)

    assert report.synced == again.synced == (run_id,)
    assert len(comet_server.state.experiments) == 1
    (experiment,) = comet_server.state.experiments.values()
    assert len([p for p in experiment.points if p["metricName"] == "trial_score"]) == 5


def test_a_sender_killed_on_the_way_doubles_nothing(
    settings: TrackerSettings, comet_server: CometServer, runs: Path
) -> None:
    run_id = _train(runs)
    sync(runs, "comet_ml", settings)
    state = runs / run_id / "sync.json"
    state.write_text(state.read_text().replace('"synced"', '"open"'))

    report = sync(runs, "comet_ml", settings)

    assert report.synced == (run_id,)
    (experiment,) = comet_server.state.experiments.values()
    assert len([p for p in experiment.points if p["metricName"] == "trial_score"]) == 5
