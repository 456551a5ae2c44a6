from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain.errors import TrackerError
from mltrain.testing.tracker import TrackerContract
from mltrain.tracking import Tracker, TrackerSettings

# MLflow and SQLAlchemy warn about themselves; nothing of it is ours to change.
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _open(settings: TrackerSettings) -> Tracker:
    from mltrain.tracking.mlflow import open_tracker

    return open_tracker(settings)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the database once: its migrations take seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    settings = TrackerSettings(project="empty", workspace=None, directory=folder, options={})
    _open(settings).list_runs()
    return folder / "mlflow.db"


@pytest.fixture
def tracker(settings: TrackerSettings, migrated: Path) -> Tracker:
    settings.directory.mkdir(parents=True)
    (settings.directory / "mlflow.db").write_bytes(migrated.read_bytes())
    return _open(settings)


class TestSqlite(TrackerContract):
    @pytest.fixture
    def tracker(self, tracker: Tracker) -> Tracker:
        return tracker


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[str]:
    """Run a real tracking server on loopback."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(migrated.read_bytes())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(folder)}
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # more processes that nobody needs here
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + 150  # seconds by itself; minutes were seen on a busy machine
    while time.monotonic() < end_s:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])


class TestServer(TrackerContract):
    @pytest.fixture
    def tracker(self, settings: TrackerSettings, server: str, request: pytest.FixtureRequest) -> Tracker:
        # One server, a project for each test; registered names are shared, so they are cleared.
        options = {"tracking_uri": server}
        tracker = _open(replace(settings, project=request.node.name, options=options))
        for registered in tracker._client.search_registered_models():  # type: ignore[attr-defined]
            tracker._client.delete_registered_model(registered.name)  # type: ignore[attr-defined]
        return tracker


def test_everything_stays_in_the_trackers_folder(tracker: Tracker, settings: TrackerSettings) -> None:
    source = settings.directory / "note.txt"
    source.write_text("x")
    run = tracker.start_run("r")
    run.log_file(source, "deep/note.txt")
    run.finish()

    assert list(Path.cwd().iterdir()) == []
    assert len(list((settings.directory / "artifacts").rglob("note.txt"))) == 1


def test_the_address_of_the_environment_is_used(
    settings: TrackerSettings, monkeypatch: pytest.MonkeyPatch, migrated: Path
) -> None:
    other = Path.cwd() / "other.db"
    other.write_bytes(migrated.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")

    tracker = _open(settings)
    tracker.start_run("r").finish()

    assert len(tracker.list_runs()) == 1
    assert not (settings.directory / "mlflow.db").exists()


def test_a_dead_server_is_a_tracker_error_without_the_password(
    settings: TrackerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker = _open(replace(settings, options={"tracking_uri": "http://me:secret@127.0.0.1:9"}))

    with pytest.raises(TrackerError) as caught:
        tracker.start_run("r")

    assert "secret" not in f"{caught.value} {caught.value.where} {caught.value.hint}"


def test_many_points_go_out_in_few_requests(tracker: Tracker) -> None:
    run = tracker.start_run("many")
    for step in range(1200):
        run.log_metrics({"loss": 1 / (step + 1)}, step=step)
    run.finish()

    history = tracker.metric_history(run.id, "loss")

    assert history == [(step, 1 / (step + 1)) for step in range(1200)]


def test_names_that_mlflow_refuses_are_written_in_signs_it_knows(tracker: Tracker) -> None:
    run = tracker.start_run("names")
    run.log_params({"weights[lgbm]": 0.5})
    run.log_metrics({"f1@0.5": 0.25})
    run.finish()

    info = tracker.get_run(run.id)

    assert info.params == {"weights_lgbm_": "0.5"}
    assert info.metrics == {"f1_0.5": 0.25}
