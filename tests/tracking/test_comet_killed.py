"""A sender that is killed on its way to Comet: the next one brings each run there once, and lists show it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from comet_server.arrived import assert_everything_arrived_once
from comet_server.faults import Fault
from comet_server.server import CometServer

from mltrain.tracking import Run, TrackerSettings
from mltrain.tracking.comet import open_tracker
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.sender import start, sync
from mltrain.tracking.training import KIND, RUN_ID, SESSION, TRAINING

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def _begin(runs: Path) -> Run:
    """Record what a run has at its start, as training does."""
    local = open_local(TrackerSettings(project="p", workspace=None, directory=runs, options={}))
    run = local.start_run("lgbm-1", {SESSION: "s", KIND: TRAINING})
    run.set_tags({RUN_ID: run.id})
    run.log_params({"depth": 3})
    run.log_metrics({"trial_score": 0.5}, step=0)
    return run


def _send_until(happens: Callable[[], object], settings: TrackerSettings, runs: Path) -> None:
    """Let a sender begin, and kill it as soon as something has happened at the server."""
    sender = start("comet_ml", settings, runs=runs, session="s")
    end_s = time.monotonic() + 120
    while not happens():
        assert time.monotonic() < end_s, sender.log.read_text()
        time.sleep(0.005)
    sender._process.kill()
    assert sender.finish().synced == ()


def test_a_request_cut_off_before_its_body_reached_no_service(comet_server: CometServer) -> None:
    asked = "POST /api/rest/v2/write/experiment/log-other HTTP/1.1\r\nHost: comet\r\nContent-Length: 99\r\n\r\n"
    address = urlsplit(comet_server.root)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(asked.encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""

    assert comet_server.heard == []


def test_a_run_whose_tags_arrived_in_part_is_listed_after_the_next_sync(
    settings: TrackerSettings, comet_server: CometServer, runs: Path, tmp_path: Path
) -> None:
    run = _begin(runs)
    _send_until(lambda: any(KIND in e.others for e in comet_server.state.experiments.values()), settings, runs)
    run.finish()

    report = sync(runs, "comet_ml", settings)

    assert report.synced == (run.id,)
    assert [i.tags[RUN_ID] for i in open_tracker(settings).list_runs({KIND: TRAINING})] == [run.id]
    assert_everything_arrived_once(comet_server, tmp_path, registers=False)


def test_a_request_for_an_experiment_that_is_taken_late_makes_no_second_one(
    settings: TrackerSettings, comet_server: CometServer, runs: Path, tmp_path: Path
) -> None:
    run = _begin(runs)
    late = comet_server.play(Fault(kind="hang", path="logger/add/run", times=1))
    _send_until(lambda: late.played, settings, runs)
    run.finish()

    report = sync(runs, "comet_ml", settings)
    late.end()
    time.sleep(0.5)

    assert report.synced == (run.id,)
    assert_everything_arrived_once(comet_server, tmp_path, registers=False)


def test_a_run_whose_archive_was_never_closed_gets_a_whole_one(
    settings: TrackerSettings, comet_server: CometServer, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _begin(runs)
    with monkeypatch.context() as patch:
        patch.setenv("COMET_API_KEY", "")
        _send_until(lambda: list(settings.directory.glob("*.zip")), settings, runs)
        run.finish()

        assert sync(runs, "comet_ml", settings).synced == (run.id,)
        assert [i.tags[RUN_ID] for i in open_tracker(settings).list_runs({KIND: TRAINING})] == [run.id]

    assert sync(runs, "comet_ml", settings).synced == (run.id,)
    assert_everything_arrived_once(comet_server, tmp_path, registers=False)
