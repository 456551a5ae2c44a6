"""The whole job with MLflow, and at its end ``mlflow models serve``: the same probabilities."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from mlflow_project import config_for, table_of_all_kinds

from mltrain import artifact, registry
from mltrain.commands.run import run
from mltrain.commands.runs import sync
from mltrain.commands.train import TrainRequest
from mltrain.workspace import Workspace

# MLflow and SQLAlchemy warn about themselves; nothing of it is ours to change.
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@contextmanager
def _served(uri: str, log: Path) -> Iterator[str]:
    """Run ``mlflow models serve`` without a network and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", uri, "--env-manager", "local"]
    nowhere = "http://127.0.0.1:9"  # whoever asks beyond this machine, is refused
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow calls uvicorn by name
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            stdout=output,
            stderr=output,
            env={**os.environ, "PATH": path, "http_proxy": nowhere, "https_proxy": nowhere},
            start_new_session=True,
        )
    try:
        _wait(lambda: _answers(f"http://127.0.0.1:{port}/ping"), process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + 600  # seconds by itself; minutes were seen on a busy machine
    while not condition():
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < end_s, log.read_text()[-2000:]
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_job_ends_in_a_champion_that_mlflow_serves(
    mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    workspace = Workspace(root=tmp_path / "work")
    pq.write_table(table_of_all_kinds(), tmp_path / "rows.parquet")
    config = config_for(
        tmp_path, mlflow_server, project_name="whole-job", supported_models=["lgbm", "logistic_regression"]
    )
    result = run(config, workspace, request=TrainRequest(max_trials=2)).register
    assert result is not None
    name = result.name
    synced = sync(config, workspace)  # a busy machine imports MLflow for half a minute, and leaves the rest to it
    assert (synced.pending, synced.warnings) == ((), ())
    assert mlflow.MlflowClient(mlflow_server).get_model_version_by_alias(name, "champion").version in (1, "1")
    kept = registry.resolve(workspace.registry, name, "champion")
    expected = artifact.load_model(registry.directory(workspace.registry, kept) / "model").proba(table_of_all_kinds())

    with _served(f"models:/{name}@champion", tmp_path / "serve.log") as url:
        frame = table_of_all_kinds().to_pandas()
        frame["since"] = frame["since"].astype("string")
        body = json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split"))}).encode()
        request = urllib.request.Request(f"{url}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = pd.DataFrame(json.load(response)["predictions"])

    served = answer[["proba_nein", "proba_ja"]].to_numpy()
    print(f"{name} version {kept.version}: largest difference {np.abs(served - expected).max()}")
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-12)
