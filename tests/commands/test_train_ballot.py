"""The vote that begins before the runs of its families are saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, TrainResult, ballot, train
from mltrain.config import Config
from mltrain.workspace import Workspace

CONFIG = Config.model_validate(
    {
        "data": {"source": "example:churn", "target": "churned"},
        "train": {"experiment_tracker": "local", "supported_models": ["lgbm", "logistic_regression"]},
        "evaluate": {"figures": False},
    }
)


def _train(root: Path) -> TrainResult:
    split(CONFIG, Workspace(root=root))
    return train(CONFIG, Workspace(root=root), request=TrainRequest(max_trials=2))


def test_it_begins_before_any_run_is_saved_and_is_held_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved_before: list[int] = []

    def begin(*args: Any, **kwargs: Any) -> ballot.BegunVote:
        saved_before.append(len(list(tmp_path.glob("runs/*/run.json"))))
        return original(*args, **kwargs)

    original = ballot.begin_vote
    monkeypatch.setattr(ballot, "begin_vote", begin)

    result = _train(tmp_path)

    assert saved_before == [0]
    run_id = next(c.run_id for c in result.candidates if c.model == "ensemble")
    record = json.loads((tmp_path / "runs" / run_id / "run.json").read_text())
    assert sum(part["n_refits"] for part in record["parts"]) > 0


def test_families_are_saved_when_it_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(*_args: Any, **_kwargs: Any) -> ballot.BegunVote:
        raise KeyError("a fault of a plug-in")

    monkeypatch.setattr(ballot, "begin_vote", begin)

    with pytest.raises(KeyError, match="a fault of a plug-in"):
        _train(tmp_path)

    saved = [json.loads(path.read_text())["model"] for path in tmp_path.glob("runs/*/run.json")]
    assert sorted(saved) == ["lgbm", "logistic_regression"]
