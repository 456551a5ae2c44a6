"""A second workspace that holds ``mltrain.yaml`` and the data alone gets runs and model through the tracker."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from comet_server.server import CometServer

from mltrain import artifact, load_config
from mltrain.commands.evaluate import evaluate
from mltrain.commands.runs import sync
from mltrain.config import Config
from mltrain.config.rendering import to_values
from mltrain.errors import DataError
from mltrain.tracking import RunInfo, Tracker
from mltrain.tracking.standings import open_trackers
from mltrain.workspace import Workspace

# The clients leave files and threads to the garbage collector and warn about themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A tracker's server.

    Attributes
    ----------
    spoil : callable
        ``spoil(tracker, run_id, file)`` replaces a file of the run's model at the server.
    """

    train: dict[str, Any]
    answered: str
    spoil: Callable[[Tracker, str, Path], None]


@pytest.fixture
def comet(comet_server: CometServer) -> Service:
    def spoil(tracker: Tracker, run_id: str, file: Path) -> None:
        (stored,) = [
            a
            for a in comet_server.state.experiments[run_id].assets
            if a.group == "model" and a.name.endswith(file.name)
        ]
        stored.content = file.read_bytes()

    section = {"experiment_tracker": "comet_ml", "workspace_name": "team"}
    return Service(train=section, answered="comet_ml (online)", spoil=spoil)


@pytest.fixture
def mlflow(request: pytest.FixtureRequest, tmp_path: Path) -> Service:
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("needs the extra mlflow")
    url = request.getfixturevalue("mlflow_server")

    def spoil(tracker: Tracker, run_id: str, file: Path) -> None:
        client = tracker._client  # type: ignore[attr-defined]
        (output,) = client.get_run(run_id).outputs.model_outputs
        client.log_model_artifact(output.model_id, str(file), "data/members")

    # A project of its own: the server is shared with other tests.
    section = {"experiment_tracker": "mlflow", "tracker_options": {"tracking_uri": url}, "project_name": tmp_path.name}
    return Service(train=section, answered="mlflow (server)", spoil=spoil)


@pytest.fixture(params=["comet", "mlflow"])
def service(request: pytest.FixtureRequest) -> Service:
    return request.getfixturevalue(request.param)


def _second(first: Workspace, config: Config, root: Path) -> Config:
    """Make a workspace with a config file and the data, and read the file."""
    root.mkdir()
    (root / "mltrain.yaml").write_text(json.dumps(to_values(config)))  # JSON is YAML
    shutil.copytree(first.data, root / "data")
    assert sorted(p.name for p in root.iterdir()) == ["data", "mltrain.yaml"]
    return load_config(root / "mltrain.yaml")


def _at_the_tracker(config: Config, workspace: Workspace) -> Sequence[RunInfo]:
    with open_trackers(config.train, workspace) as trackers:
        assert trackers.remote is not None
        return trackers.remote.list_runs()


def test_it_evaluates_the_model_that_the_tracker_hands_out(
    service: Service, trained: Workspace, churn: Any, tmp_path: Path
) -> None:
    config = churn(train=service.train, evaluate={"tags": {"team": "retention"}})
    assert sync(config, trained).pending == ()
    second = Workspace(root=tmp_path / "second")

    found = evaluate(_second(trained, config, second.root), second)

    run_id = found.champion.run_id
    assert (found.champion.source, found.answered) == ("tracker", service.answered)
    assert [w for w in found.warnings if "mltrain runs sync" not in w] == []  # a busy machine may be late
    assert {run.model for run in found.ranking} == {"logistic_regression", "lgbm", "ensemble"}
    fetched, made = (artifact.read_manifest(w.run(run_id) / "model").sha256 for w in (second, trained))
    assert fetched == made == found.champion.manifest
    artifact.verify(second.run(run_id) / "model")
    assert sync(config, second).pending == ()
    told = [info for info in _at_the_tracker(config, second) if "test_roc_auc" in info.metrics]
    assert [info.metrics["test_roc_auc"] for info in told] == [found.metrics["roc_auc"].value]
    assert told[0].tags["mltrain.gate"] == "passed"


def test_a_model_that_was_changed_at_the_tracker_is_refused(
    service: Service, trained: Workspace, churn: Any, tmp_path: Path
) -> None:
    config = churn(train=service.train)
    (run_id, *_) = sync(config, trained).synced
    second = Workspace(root=tmp_path / "second")
    config = _second(trained, config, second.root)
    member = next((trained.run(run_id) / "model" / "members").iterdir())
    spoilt = tmp_path / member.name
    spoilt.write_bytes(member.read_bytes()[:-1] + b"!")
    with open_trackers(config.train, second) as trackers:
        assert trackers.remote is not None
        (info,) = trackers.remote.list_runs({"mltrain.run_id": run_id})
        service.spoil(trackers.remote, info.id, spoilt)

    with pytest.raises(DataError, match="is not what training left: artefact changed"):
        evaluate(config, second, run=run_id)

    assert not (second.run(run_id) / "model").exists()
