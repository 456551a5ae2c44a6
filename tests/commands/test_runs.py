"""`runs`: the leaderboard, one run, runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mltrain.commands.runs import compare, ls, show, sync
from mltrain.errors import NoRunError, UsageError
from mltrain.workspace import Workspace


def _run(workspace: Workspace, model: str) -> str:
    return next(workspace.runs.glob(f"{model}-*")).name


def test_the_leaderboard_stands_best_first_and_says_who_answered(trained: Workspace, churn: Any) -> None:
    found = ls(churn(), trained)

    scores = [run.validation_score for run in found.runs]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert found.answered == "local"


def test_an_empty_workspace_has_an_empty_leaderboard(tmp_path: Path, churn: Any) -> None:
    assert ls(churn(), Workspace(root=tmp_path)).runs == ()


def test_one_run_is_shown_with_what_was_logged(evaluated: Workspace, churn: Any) -> None:
    run_id = next(evaluated.runs.glob("*/evaluation")).parent.name

    found = show(churn(), evaluated, run=run_id)

    assert found.run.run_id == run_id
    assert found.params["model"] == found.run.model
    assert found.metrics["validation_score"] == found.run.validation_score
    assert "test_roc_auc" in found.metrics
    assert found.is_here
    assert found.is_evaluated


def test_runs_side_by_side_show_the_parameters_that_differ(trained: Workspace, churn: Any) -> None:
    found = compare(churn(), trained, runs=(_run(trained, "lgbm"), _run(trained, "logistic_regression")))

    params = {row.name: row.values for row in found.params}
    assert params["model"] == ("lgbm", "logistic_regression")
    assert params["C"][0] is None
    assert "seed" not in params
    scores = next(row.values for row in found.metrics if row.name == "validation_score")
    assert scores == tuple(run.validation_score for run in found.runs)


def test_one_run_alone_cannot_be_compared(trained: Workspace, churn: Any) -> None:
    with pytest.raises(UsageError, match="1 named"):
        compare(churn(), trained, runs=("a", "a"))


def test_an_unknown_run_is_not_found(trained: Workspace, churn: Any) -> None:
    with pytest.raises(NoRunError, match="no run 'nobody'") as caught:
        show(churn(), trained, run="nobody")

    assert caught.value.hint == "mltrain runs ls"


def test_with_the_local_tracker_there_is_nothing_to_send(trained: Workspace, churn: Any) -> None:
    found = sync(churn(), trained)

    assert found.pending == ()
    assert found.exit_code == 0
