"""A small real workspace, split and trained once, and copies of it to work on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

CHURN: dict[str, Any] = {
    "data": {"source": "example:churn", "target": "churned", "id_columns": ["customer"]},
    "train": {
        "experiment_tracker": "local",
        "project_name": "churn",
        "supported_models": ["logistic_regression", "lgbm"],
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
    """Copy the trained workspace and evaluate its best run."""
    from mltrain.commands.evaluate import evaluate
    from mltrain.workspace import Workspace

    root = tmp_path_factory.mktemp("evaluated") / "workspace"
    shutil.copytree(trained_root, root)
    evaluate(churn_config(), Workspace(root=root))
    return root


@pytest.fixture
def evaluated(evaluated_root: Path, tmp_path: Path) -> Any:
    """Return a copy of the evaluated workspace."""
    from mltrain.workspace import Workspace

    shutil.copytree(evaluated_root, tmp_path / "evaluated")
    return Workspace(root=tmp_path / "evaluated")
