"""`run`: the four steps, and what is skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mltrain.commands.run import run
from mltrain.commands.train import TrainRequest
from mltrain.workspace import Workspace

QUICK = TrainRequest(models=("logistic_regression",), max_trials=2)


def test_from_a_table_to_a_champion_and_again_with_nothing_to_do(tmp_path: Path, churn: Any) -> None:
    workspace = Workspace(root=tmp_path)

    first = run(churn(), workspace, request=QUICK)
    second = run(churn(), workspace, request=QUICK)

    assert first.skipped == ()
    assert first.train is not None
    assert first.register is not None
    assert first.register.aliases == ("champion",)
    assert first.exit_code == second.exit_code == 0
    assert [why.partition(":")[0] for why in second.skipped] == ["split", "train", "evaluate", "register"]
    assert (second.train, second.register) == (None, None)
    assert second.evaluate.openings == 1


def test_a_refusal_ends_it(trained: Workspace, churn: Any) -> None:
    found = run(churn(train={"deployment_score_thresh": 0.999}), trained, request=TrainRequest(max_trials=3))

    assert found.exit_code == 4
    assert found.register is None
    assert [why.partition(":")[0] for why in found.skipped] == ["split", "train"]


def test_training_is_done_again_when_more_trials_are_asked_for_or_a_setting_has_changed(
    trained: Workspace, churn: Any
) -> None:
    from mltrain.commands.run import trained_session

    assert trained_session(churn(), trained, TrainRequest(max_trials=3)) is not None
    assert trained_session(churn(), trained, TrainRequest(models=("lgbm",), budget_s=5.0)) is not None
    assert trained_session(churn(), trained, TrainRequest(max_trials=4)) is None
    assert trained_session(churn(), trained, TrainRequest(models=("xgboost",))) is None
    assert trained_session(churn(train={"n_folds": 4}), trained, TrainRequest(max_trials=3)) is None
    assert trained_session(churn(train={"deployment_score_thresh": 0.9}), trained, TrainRequest()) is not None
