"""Trackers see nothing of the machine: no home, no key, no proxy, no folder but the test's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mltrain.tracking import TrackerSettings

sys.path.append(str(Path(__file__).parent))  # pytest's import mode leaves it out

from comet_job import named_machine
from comet_server.calls import KEY
from comet_server.cells import settings_of
from comet_server.server import CometServer

pytest.register_assert_rewrite(
    "mltrain.testing.tracker", "mltrain.testing.tracker_files", "mltrain.testing.tracker_registry"
)


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give the test a home and a working directory of its own and no settings of trackers."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("COMET_", "MLFLOW_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("COMET_ERROR_TRACKING_ENABLE", "false")
    monkeypatch.setenv("COMET_DISABLE_AUTO_LOGGING", "1")
    monkeypatch.setenv("COMET_INTERNAL_REPORTING", "false")
    monkeypatch.setenv("COMET_LOGGING_CONSOLE", "CRITICAL")
    monkeypatch.chdir(home)
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):  # what the trackers set for their clients
        del os.environ[name]


@pytest.fixture
def settings(tmp_path: Path) -> TrackerSettings:
    """Return settings with a folder of the test's own."""
    return TrackerSettings(
        project="churn", workspace="team", directory=tmp_path / "runs" / ".trackers" / "x", options={}
    )


@pytest.fixture(scope="session")
def comet_process() -> Iterator[CometServer]:
    """Run one stand-in of Comet for all tests."""
    server = CometServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def patch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Return a patch of a whole file's jobs, on a machine whose name must not be found anywhere."""
    with named_machine(tmp_path_factory.mktemp("patch")) as patch:
        yield patch


@pytest.fixture
def comet_environment(comet_process: CometServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead what the test itself calls to the stand-in."""
    for name, value in settings_of(comet_process, tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def comet_server(comet_process: CometServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[CometServer]:
    """Return an empty stand-in that the environment points at, with a valid key."""
    comet_process.reset()
    monkeypatch.setenv("COMET_URL_OVERRIDE", f"{comet_process.root}/clientlib/")
    monkeypatch.setenv("COMET_API_KEY", KEY)
    # Without its journal the client ends a run in a third of a second instead of more than one.
    monkeypatch.setenv("COMET_FALLBACK_STREAMER_FALLBACK_TO_OFFLINE_MIN_BACKEND_VERSION", "99.0.0")
    monkeypatch.setenv("COMET_FALLBACK_STREAMER_KEEP_OFFLINE_ZIP", "false")
    yield comet_process
    unknown, violations = comet_process.unknown, comet_process.violations
    comet_process.reset()
    assert unknown == []
    assert violations == []
