"""A small real workspace, split and trained once, with copies of it to work on; and a real MLflow server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHURN: dict[str, Any] = {
    "data": {"source": "example:churn", "target": "churned", "id_columns": ["customer"]},
    "train": {
        "experiment_tracker": "local",
        "project_name": "churn",
        "supported_models": ["logistic_regression", "lgbm"],
        "tags": {"team": "retention"},
    },
    "evaluate": {"figures": False, "n_bootstrap": 100},
}


def churn_config(**sections: Any) -> Any:
    """Return the config of the trained workspace; sections are merged key by key."""
    from mltrain.config import Config

    merged = {name: {**CHURN.get(name, {}), **sections.get(name, {})} for name in {*CHURN, *sections}}
    return Config.model_validate(merged)


@pytest.fixture(scope="session")
def trained_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Split and train two families and their ensemble on the churn example, three trials each."""
    from mltrain.commands.split import split
    from mltrain.commands.train import TrainRequest, train
    from mltrain.workspace import Workspace

    workspace = Workspace(root=tmp_path_factory.mktemp("trained"))
    split(churn_config(), workspace)
    train(churn_config(), workspace, request=TrainRequest(max_trials=3))
    return workspace.root


@pytest.fixture(scope="session")
def fingerprint() -> Any:
    """Return a function that makes the fingerprint of a table."""
    from mltrain.data.fingerprints import Fingerprint

    def of(table: Any) -> str:
        made = Fingerprint(table.schema)
        made.add(table)
        return made.hexdigest()

    return of


@pytest.fixture(scope="session")
def churn() -> Any:
    """Return a function that makes configs of the trained workspace."""
    return churn_config


@pytest.fixture
def trained(trained_root: Path, tmp_path: Path) -> Any:
    """Return a copy of the trained workspace."""
    from mltrain.workspace import Workspace

    shutil.copytree(trained_root, tmp_path / "workspace")
    return Workspace(root=tmp_path / "workspace")


@pytest.fixture(scope="session")
def evaluated_root(trained_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the trained workspace and evaluate the linear model, whichever run is best."""
    from mltrain.commands.evaluate import evaluate
    from mltrain.workspace import Workspace

    root = tmp_path_factory.mktemp("evaluated") / "workspace"
    shutil.copytree(trained_root, root)
    evaluate(churn_config(), Workspace(root=root), run=next((root / "runs").glob("logistic_regression-*")).name)
    return root


@pytest.fixture
def evaluated(evaluated_root: Path, tmp_path: Path) -> Any:
    """Return a copy of the evaluated workspace."""
    from mltrain.workspace import Workspace

    shutil.copytree(evaluated_root, tmp_path / "evaluated")
    return Workspace(root=tmp_path / "evaluated")


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty MLflow database once: its migrations take seconds."""
    from mltrain.tracking import TrackerSettings
    from mltrain.tracking.mlflow import open_tracker

    folder = tmp_path_factory.mktemp("mlflow")
    open_tracker(TrackerSettings(project="empty", workspace=None, directory=folder, options={})).list_runs()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Iterator[str]:
    """Run a real tracking server on loopback and return its address."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(mlflow_database.read_bytes())
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
