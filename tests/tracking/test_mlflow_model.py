"""A registered model in MLflow's own hands: its signature, pyfunc, scores and input example."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from mlflow_project import config_for, table_of_all_kinds

from mltrain import artifact
from mltrain.commands.runs import sync
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.tracking import Tracker
from mltrain.tracking.session import tracker_settings
from mltrain.workspace import Workspace

# MLflow and SQLAlchemy warn about themselves; nothing of it is ours to change.
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rows")
    pq.write_table(table_of_all_kinds(), root / "rows.parquet")
    return root


@pytest.fixture(scope="module")
def registered(rows: Path, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train, send to a real server and register there; return the folder of the model as mltrain keeps it."""
    from mltrain.tracking.mlflow import open_tracker

    workspace, config = Workspace(root=tmp_path_factory.mktemp("registered")), config_for(rows, mlflow_server)
    split(config, workspace)
    train(config_for(rows, mlflow_server, experiment_tracker="local"), workspace, request=TrainRequest(max_trials=1))
    (run_id,) = sync(config, workspace).synced
    tracker: Tracker = open_tracker(tracker_settings(config.train, workspace))
    (info,) = tracker.list_runs({"mltrain.run_id": run_id})
    tracker.set_alias("served", "champion", tracker.register(info.id, "served").version)
    return workspace.run(run_id) / "model"


@pytest.fixture
def champion(registered: Path, mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    return registered


def _expected(model: Path) -> np.ndarray:
    return artifact.load_model(model).proba(table_of_all_kinds())


def test_pyfunc_loads_the_champion_and_gives_the_same_probabilities(champion: Path) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model("models:/served@champion")
    answer = loaded.predict(table_of_all_kinds().to_pandas())

    assert list(answer) == ["prediction", "proba_nein", "proba_ja"]
    np.testing.assert_array_equal(answer[["proba_nein", "proba_ja"]].to_numpy(), _expected(champion))
    model = artifact.load_model(champion)
    assert list(answer["prediction"]) == list(model.predict(table_of_all_kinds().to_pandas()))


def test_the_signature_names_what_goes_in_and_comes_out(champion: Path) -> None:
    import mlflow

    info = mlflow.models.get_model_info("models:/served@champion")

    signature = info.signature
    assert mlflow.get_run(info.run_id).info.status == "FINISHED"
    assert {c.name: str(c.type).rpartition(".")[2] for c in signature.inputs} == {
        "höhe": "double",
        "town": "string",
        "active": "Any",
        "since": "datetime",
        "count": "Any",
        "whole": "Any",
    }
    assert signature.outputs.input_names() == ["prediction", "proba_nein", "proba_ja"]


def test_it_is_a_logged_model_of_the_run_with_its_scores(champion: Path, mlflow_server: str) -> None:
    import mlflow

    client = mlflow.MlflowClient(mlflow_server)
    version = client.get_model_version_by_alias("served", "champion")
    run = client.get_run(version.run_id)
    logged = client.get_logged_model(_model_id(version))

    assert [output.model_id for output in run.outputs.model_outputs] == [_model_id(version)]
    assert (logged.source_run_id, logged.name, logged.status.name) == (version.run_id, run.info.run_name, "READY")
    assert logged.tags["mltrain.manifest"] == run.data.tags["mltrain.manifest"]
    assert {m.key: m.value for m in logged.metrics}["validation_score"] == run.data.metrics["validation_score"]
    assert logged.params == run.data.params
    assert [m.model_id for m in client.search_logged_models([run.info.experiment_id])] == [_model_id(version)]
    for address in (f"models:/{_model_id(version)}", run.info.artifact_uri):  # no row went along
        there = Path(mlflow.artifacts.download_artifacts(address))
        assert not [path for path in there.rglob("*") if path.is_file() and b"k0001" in path.read_bytes()]


def test_the_input_example_is_made_up_and_can_be_scored(champion: Path) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model("models:/served@champion")
    example = loaded.input_example
    request = json.loads(loaded.metadata.get_serving_input(str(_fetched(loaded))))

    assert example.iloc[0].to_dict() == {
        "höhe": 0.0,
        "town": "other",
        "active": True,
        "since": pd.Timestamp("2024-01-31"),
        "count": 0,
        "whole": 0,
    }
    answer = loaded.predict(example)
    assert answer[["proba_nein", "proba_ja"]].to_numpy().sum() == pytest.approx(1.0)
    assert request["dataframe_split"]["columns"] == list(example)


def _model_id(version: Any) -> str:
    return str(version.source).removeprefix("models:/")


def _fetched(loaded: Any) -> Path:
    import mlflow

    return Path(mlflow.artifacts.download_artifacts(f"models:/{loaded.metadata.model_id}"))


def test_a_model_that_is_there_is_not_sent_again(rows: Path, mlflow_server: str, champion: Path) -> None:
    import mlflow

    from mltrain.tracking.mlflow import open_tracker

    client = mlflow.MlflowClient(mlflow_server)
    version = client.get_model_version_by_alias("served", "champion")
    before = client.get_logged_model(_model_id(version))
    tracker: Tracker = open_tracker(tracker_settings(config_for(rows, mlflow_server).train, Workspace(root=rows)))

    run = tracker.resume_run(version.run_id)
    run.log_model(champion)
    run.finish()

    again = client.get_run(version.run_id).outputs.model_outputs
    assert [output.model_id for output in again] == [_model_id(version)]
    assert client.get_logged_model(_model_id(version)).last_updated_timestamp == before.last_updated_timestamp


def test_a_column_that_is_missing_is_said_by_its_name(champion: Path) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model("models:/served@champion")

    with pytest.raises(mlflow.exceptions.MlflowException, match="town"):
        loaded.predict(table_of_all_kinds().drop_columns(["town"]).to_pandas())


def test_a_changed_byte_is_refused(champion: Path, tmp_path: Path) -> None:
    import mlflow

    fetched = Path(mlflow.artifacts.download_artifacts("models:/served@champion", dst_path=str(tmp_path / "fetched")))
    member = next((fetched / "data" / "members").iterdir())
    member.write_bytes(member.read_bytes()[:-1] + b"!")

    with pytest.raises(Exception, match="artefact changed"):
        mlflow.pyfunc.load_model(str(fetched))
