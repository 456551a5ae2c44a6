"""`run`: the four steps, and what is skipped."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.run import run
from mltrain.commands.run.trained import trained_session
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.console.render import render
from mltrain.data.splits import Finding
from mltrain.tracking.session import open_local
from mltrain.tracking.training import leave_out
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
    assert (first.is_up_to_date, second.is_up_to_date) == (False, True)
    assert (first.registered_version, second.registered_version) == ("1", "1")


def test_the_picture_of_a_second_run_says_that_there_was_nothing_to_do(
    tmp_path: Path, churn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(root=tmp_path)
    render(run(churn(), workspace, request=QUICK))
    first = capsys.readouterr().out
    render(run(churn(), workspace, request=replace(QUICK, started_at=time.monotonic() - 60)))
    second = capsys.readouterr().out

    assert first.count("no deployment threshold") == 1
    assert first.count("roc_auc  ") <= 2  # the leaderboard and the test scores; no second ranking
    assert second.startswith("nothing to do: split, training, evaluation and registration are up to date\n")
    assert "as version 1" in second
    assert "next:" not in second
    assert "time in all   1 min" in second


def test_a_champion_that_finds_no_case_is_registered_and_said_so_once(
    tmp_path: Path, churn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1500)
    y = np.where(rng.random(1500) < 0.03 / (1 + np.exp(-x)), "yes", "no")
    pq.write_table(pa.table({"x": x, "y": y}), tmp_path / "rare.parquet")
    config = churn(data={"source": str(tmp_path / "rare.parquet"), "target": "y", "id_columns": []})

    found = run(config, Workspace(root=tmp_path / "workspace"), request=QUICK)

    assert (found.exit_code, found.registered_version) == (0, "1")
    render(found)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("warning: the model decides for yes on none of") == 1


def test_warnings_of_the_audit_are_shown(tmp_path: Path, churn: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(churn(split={"kind": "stratified"}), Workspace(root=tmp_path), request=QUICK)
    worry = Finding(check="duplicates", severity="warning", message="12 rows occur twice", advice="remove them")

    render(replace(found, split=replace(found.split, findings=(worry,))))

    assert "warning: 12 rows occur twice; remove them\n" in capsys.readouterr().out


def test_a_refusal_ends_it(trained: Workspace, churn: Any) -> None:
    found = run(churn(train={"deployment_score_thresh": 0.999}), trained, request=TrainRequest(max_trials=3))

    assert found.exit_code == 4
    assert found.register is None
    assert [why.partition(":")[0] for why in found.skipped] == ["split", "train"]


def test_training_is_done_again_when_more_trials_are_asked_for_or_a_setting_has_changed(
    trained: Workspace, churn: Any
) -> None:
    assert trained_session(churn(), trained, TrainRequest(max_trials=3)) is not None
    assert trained_session(churn(), trained, TrainRequest(models=("lgbm",), budget_s=5.0)) is not None
    assert trained_session(churn(), trained, TrainRequest(max_trials=4)) is None
    assert trained_session(churn(), trained, TrainRequest(models=("xgboost",))) is None
    assert trained_session(churn(train={"n_folds": 4}), trained, TrainRequest(max_trials=3)) is None
    assert trained_session(churn(train={"deployment_score_thresh": 0.9}), trained, TrainRequest()) is not None


def test_a_session_without_an_ensemble_does_not_serve_who_asks_for_one(tmp_path: Path, churn: Any) -> None:
    workspace = Workspace(root=tmp_path)
    split(churn(), workspace)
    train(churn(), workspace, request=TrainRequest(models=("lgbm",), max_trials=2))
    alone = TrainRequest(models=("ensemble",))

    assert trained_session(churn(), workspace, alone) is None
    train(churn(), workspace, request=TrainRequest(max_trials=2))
    assert trained_session(churn(), workspace, alone) is not None


def test_a_family_that_was_left_out_is_not_trained_for_ever(tmp_path: Path, churn: Any) -> None:
    config = churn(models={"lgbm": {"params": {"num_leaves": -3}}})

    first = run(config, Workspace(root=tmp_path), request=TrainRequest(max_trials=2))
    second = run(config, Workspace(root=tmp_path), request=TrainRequest(max_trials=2))

    assert first.train is not None
    assert [left.model for left in first.train.left_out] == ["lgbm"]
    assert second.train is None


def test_an_interrupted_session_is_not_complete(trained: Workspace, churn: Any) -> None:
    """The last family was cut off: its run has failed, but nobody went on without it."""
    config = churn(train={"ensemble": False, "supported_models": ["logistic_regression", "random_forest"]})
    request = TrainRequest(max_trials=1)
    train(config, trained, request=TrainRequest(models=("logistic_regression",), max_trials=1))
    record = max(trained.runs.glob("logistic_regression-*/run.json"))
    session = json.loads(record.read_text())["session"]
    cut = open_local(config.train, trained).start_run(
        "random_forest-1", {"mltrain.session": session, "mltrain.model": "random_forest"}
    )
    cut.finish("failed")

    assert trained_session(config, trained, request) is None
    leave_out(open_local(config.train, trained).resume_run(cut.id), "no trial ended in time")
    complete = trained_session(config, trained, request)
    assert complete is not None
    assert complete.id == session


def _rewrite(workspace: Workspace, **values: Any) -> None:
    """Change what the records of the families say; the value ... leaves a key out."""
    for path in workspace.runs.glob("*/run.json"):
        record = json.loads(path.read_text())
        if record["n_trials"] is not None:
            record |= values
        path.write_text(json.dumps({k: v for k, v in record.items() if v is not ...}))


def test_a_search_that_the_clock_ended_goes_on_with_more_time_alone(
    trained: Workspace, churn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _rewrite(trained, max_trials=100, is_cut_short=True, allowed_s=20.0)

    run(churn(), trained, request=TrainRequest(budget_s=20.0))
    again = run(churn(), trained, request=TrainRequest(budget_s=20.0))

    assert again.train is None
    assert again.is_up_to_date
    (said,) = (why for why in again.skipped if why.startswith("train: "))
    assert said.endswith(" searched 6 of 200 trials in 20 s; `mltrain train` goes on")
    render(again)
    assert "`mltrain train` goes on" in " ".join(capsys.readouterr().out.split())
    assert trained_session(churn(), trained, TrainRequest(budget_s=21.0)) is None
    assert trained_session(churn(), trained, TrainRequest(timeout_s=10.0)) is not None
    assert trained_session(churn(), trained, TrainRequest(timeout_s=11.0)) is None
    assert trained_session(churn(), trained, TrainRequest()) is None  # 180 s for each of two families
    assert trained_session(churn(), trained, TrainRequest(max_trials=100)) is None


def test_a_search_that_ended_by_itself_is_complete_with_fewer_trials(trained: Workspace, churn: Any) -> None:
    _rewrite(trained, max_trials=100, is_cut_short=False, allowed_s=20.0)

    found = trained_session(churn(), trained, TrainRequest(max_trials=100))

    assert found is not None
    assert str(found) == f"complete in {found.id}"


def test_training_records_what_it_was_allowed(trained: Workspace, churn: Any) -> None:
    records = [json.loads(path.read_text()) for path in sorted(trained.runs.glob("lgbm-*/run.json"))]

    assert [(r["max_trials"], r["is_cut_short"], r["allowed_s"]) for r in records] == [(3, False, None)]


def test_a_record_that_says_nothing_of_the_clock_counts_as_complete(trained: Workspace, churn: Any) -> None:
    _rewrite(trained, max_trials=..., is_cut_short=..., allowed_s=...)

    assert trained_session(churn(), trained, TrainRequest(max_trials=3)) is not None
    assert trained_session(churn(), trained, TrainRequest(max_trials=4)) is None


def test_fresh_trains_again(trained: Workspace, churn: Any) -> None:
    found = run(churn(), trained, request=TrainRequest(models=("logistic_regression",), max_trials=1, fresh=True))

    assert found.train is not None
