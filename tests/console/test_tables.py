"""Whole pictures of results, as a pipe gets them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mltrain.commands.evaluate import EvaluateResult
from mltrain.commands.predict import PredictResult
from mltrain.commands.register import RegisterResult
from mltrain.commands.registry import RegistryVerifyResult, VersionCheck
from mltrain.commands.runs import RunsShowResult, RunsSyncResult
from mltrain.commands.split import SplitResult, SplitSummary
from mltrain.commands.train import CandidateLine, TrainResult
from mltrain.console.amounts import duration_text
from mltrain.console.drawing import cell_text
from mltrain.console.render import render
from mltrain.console.tables import TABLES
from mltrain.data import Column, ColumnKind
from mltrain.data.splits import Finding
from mltrain.drift import ColumnDrift
from mltrain.leaderboard import standing
from mltrain.verdict import Gate

TRAIN = TrainResult(
    session="session-1",
    candidates=(
        CandidateLine(
            model="lgbm", run_id="lgbm-2", metric="roc_auc", validation_score=0.91237, n_trials=40, seconds=75.2,
            final_fit="bag", calibration="sigmoid", threshold=None, n_resumed=12,
        ),
        CandidateLine(
            model="ensemble", run_id="ensemble-3", metric="roc_auc", validation_score=0.9, n_trials=0, seconds=0.3,
            final_fit="bag", calibration=None, threshold=0.41,
        ),
    ),
    metric="roc_auc", positive_class="sí [x]", validation="5-fold cross-validation", n_rows=48842, seconds=75.6,
    tracker="comet_ml (offline: no key)", runs=Path("runs"), warnings=("two runs wait to be sent",),
)  # fmt: skip
TRAIN_TEXT = """\
run          roc_auc         trials         time   final fit   calibration
──────────────────────────────────────────────────────────────────────────
lgbm-2        0.9124   40 (12 kept)   1 min 15 s   bag         sigmoid
ensemble-3    0.9000              -        0.3 s   bag         none

validation      5-fold cross-validation on 48,842 rows
positive class  sí [x]
session         session-1
tracker         comet_ml (offline: no key)
time            1 min 16 s
warning: two runs wait to be sent
next: `mltrain evaluate`
"""
REGISTER = RegisterResult(
    name="churn", version=None, aliases=(), run_id="lgbm-2", promoted=False, refused=True,
    reason="the deployment threshold is not met", previous="3",
    gate=Gate(passed=False, metric="log_loss", value=0.52, threshold=0.4), comparison=None,
)  # fmt: skip
REGISTER_TEXT = """\
model     churn
run       lgbm-2
before    3
gate      log_loss 0.5200 misses the deployment threshold 0.4
decision  refused: the deployment threshold is not met
"""
SPLIT = SplitResult(
    directory=Path("data"), target="y", positive_class="2", positive_reason="the rarer one",
    splits=(
        SplitSummary(name="train", rows=1200, classes={"1": 900, "2": 300}),
        SplitSummary(name="test", rows=400, classes={"1": 400}),
    ),
    columns=(Column(name="größe", kind=ColumnKind.NUMERIC, arrow_type="int64"),),
    findings=(Finding(check="missing", severity="warning", message="größe: 12 %", advice="look"),),
    fingerprint="f", n_unlabelled=3, n_kept_out=0, unchanged=False,
)  # fmt: skip
SPLIT_TEXT = """\
split    rows     1     2
─────────────────────────
train   1,200   900   300
test      400   400     0

target                y
positive class        2 (the rarer one)
columns               1 numeric
rows without a label  3
written to            data

audit     finding       what to do
──────────────────────────────────
warning   größe: 12 %   look
"""


PREDICT = PredictResult(
    rows=4000, destination=Path("out.csv"), model="churn", version="3", seconds=1.5, unseen={"plan": 2},
    notes=("columns not known to the model were ignored: more",),
    drift=(
        ColumnDrift(
            name="age", psi=0.311, by_chance=0.01, verdict="much", missing_before=0.0, missing_now=0.25, above=1200
        ),
        ColumnDrift(name="plan", psi=0.02, by_chance=0.01, verdict="stable", missing_before=0.0, missing_now=0.0),
    ),
    drift_file=Path("out.drift.json"),
)  # fmt: skip
PREDICT_TEXT = """\
rows           4,000
model          churn version 3
written        out.csv
time           1.5 s
unseen levels  plan in 2 rows
drift          out.drift.json
columns not known to the model were ignored: more

against training: 1 of 2 columns differ
column     PSI   drift   missing           below / above training
─────────────────────────────────────────────────────────────────
age      0.311   much    0.0 % -> 25.0 %                0 / 1,200
"""


@pytest.fixture(autouse=True)
def _a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


def test_a_value_out_of_range_is_no_drift(capsys: pytest.CaptureFixture[str]) -> None:
    steady = ColumnDrift(
        name="fnlwgt", psi=0.005, by_chance=0.01, verdict="stable", missing_before=0.0, missing_now=0.0, above=1
    )
    (age, plan) = PREDICT.drift

    render(replace(PREDICT, drift=(steady, plan)))
    alone = " ".join(capsys.readouterr().out.split())
    render(replace(PREDICT, drift=(age, steady, plan)))
    beside = " ".join(capsys.readouterr().out.split())

    assert "none of 2 columns has drifted (largest PSI 0.005, fnlwgt)" in alone
    assert "against training: 1 stable, with values out of range column" in alone
    assert "against training: 1 of 3 columns differ; 1 stable, with values out of range column" in beside


@pytest.mark.parametrize(
    ("result", "text"),
    [(TRAIN, TRAIN_TEXT), (REGISTER, REGISTER_TEXT), (SPLIT, SPLIT_TEXT), (PREDICT, PREDICT_TEXT)],
    ids=["train", "register", "split", "predict"],
)
def test_pictures(result: object, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    render(result)

    assert capsys.readouterr().out == text


def test_run_ids_are_never_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    render(TRAIN)

    assert "ensemble-3 " in capsys.readouterr().out


def test_a_record_without_a_picture_is_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Novel:
        n_rows: int
        share: float
        labels: tuple[str, ...]

    render(Novel(n_rows=3, share=0.5, labels=("a", "b")))

    assert capsys.readouterr().out == "n rows  3\nshare   0.5000\nlabels  a, b\n"


def test_a_check_names_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    changed = VersionCheck(version="2", problem="manifest.json changed", advice="mltrain registry rollback")
    checks = (VersionCheck(version="1", problem=None), changed)

    render(RegistryVerifyResult(name="churn", checks=checks))

    out = capsys.readouterr().out
    assert "1         as registered" in out
    assert "2         manifest.json changed" in out
    assert out.endswith("version 2: mltrain registry rollback\n")


def test_what_the_tracker_was_waited_for_is_no_time_of_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    render(replace(TRAIN, seconds=20.0, tracker_s=2.0))

    assert f"{duration_text(20.0)}, and {duration_text(2.0)} for the tracker\n" in capsys.readouterr().out


def test_a_warning_is_broken_between_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")

    render(replace(TRAIN, warnings=("the tracker is somewhere else entirely today",)))

    lines = [" ".join(re.sub(r"\x1b\[[0-9;]*m", "", line).split()) for line in capsys.readouterr().out.splitlines()]
    start = lines.index("warning: the tracker is")
    assert lines[start + 1] == "somewhere else entirely today"


def test_a_sync_without_a_key_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    mode, nothing = "comet_ml (offline: no key)", ()
    render(
        RunsSyncResult(tracker=mode, is_offline=True, synced=nothing, pending=nothing, urls={}, warnings=nothing)
    )  # fmt: skip

    assert "set COMET_API_KEY, then `mltrain runs sync` again\n" in capsys.readouterr().out


def test_what_is_registered_already_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    render(replace(REGISTER, refused=False, reason="it is registered already"))

    assert "decision  nothing to do: it is registered already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mode", "state"),
    [
        ("offline: no key", "archived; waits for a key"),
        ("offline: server unreachable", "archived; waits for the server"),
        ("online", "sent"),
    ],
)
def test_what_lies_in_an_archive_is_not_called_sent(mode: str, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    render(
        RunsSyncResult(
            tracker=f"comet_ml ({mode})", is_offline=mode != "online", synced=("lgbm-2",), pending=(), urls={},
            warnings=(),
        )
    )  # fmt: skip

    assert f"lgbm-2   {state}" in capsys.readouterr().out


def test_metrics_of_a_run_are_told_once_with_their_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    run = standing(
        {"mltrain.metric": "roc_auc"}, {"validation_score": 0.9}, tracker_id="lgbm-2", status="finished",
        started_ms=0, source="local", url=None,
    )  # fmt: skip
    metrics = {"n_trials": 51.0, "validation_score": 0.9, "best_score": 0.9, "test_f1": 1.0}

    render(
        RunsShowResult(
            run=run, params={}, metrics=metrics, tags={}, directory=Path("runs"), is_here=False, is_evaluated=True,
            answered="local", warnings=(),
        )
    )  # fmt: skip

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[-2:] == ["n_trials 51 trials of the search", "test_f1 1.0000 on the test split"]
    assert sum("0.9000" in line for line in lines) == 1


def test_tables_fit_a_page_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding(check="missing", severity="warning", message="column " * 30, advice="look at it " * 20)

    render(replace(SPLIT, findings=(finding,)))

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 120


def test_many_classes_have_their_confusion_in_a_figure(capsys: pytest.CaptureFixture[str]) -> None:
    n = 26
    letters = tuple("abcdefghijklmnopqrstuvwxyz")
    run = standing({}, {}, tracker_id="lgbm-2", status="finished", started_ms=0, source="local", url=None)
    folder = Path("runs/lgbm-2/evaluation")
    result = EvaluateResult(
        champion=run, ranking=(run,), left_out=(), metrics={}, threshold=None, classes=letters,
        gate=Gate(passed=True, metric="log_loss", value=0.5, threshold=None), confusion=((0,) * n,) * n,
        figures=(folder / "figures/confusion_matrix.png",), report=(folder / "model_card.md",), openings=1,
        reused=False, answered="local", register_command="", compared_with_champion=None, champion_version=None,
    )  # fmt: skip

    render(result)
    render(replace(result, figures=()))

    out = capsys.readouterr().out
    assert "confusion: 26 classes are too many for a table here; it is in " in out
    assert "runs/lgbm-2/evaluation/figures/confusion_matrix.png\n" in out
    assert "runs/lgbm-2/evaluation/confusion_matrix.json\n" in out


def test_every_result_class_has_a_picture() -> None:
    import importlib
    import pkgutil

    from mltrain import commands

    results = set()
    for module in pkgutil.iter_modules(commands.__path__):
        members = vars(importlib.import_module(f"mltrain.commands.{module.name}"))
        results |= {name for name in members if name.endswith("Result")}

    assert results == set(TABLES)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (0.5, "0.5000"), ({"a": 1.0}, "a 1.0000"), (["x", 2], "x, 2"), (7, "7")],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_paths_are_shown_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert cell_text(tmp_path / "runs" / "a") == "runs/a"
    assert cell_text(Path("/somewhere/else")) == "/somewhere/else"


def test_rows_concerned_stand_behind_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding(
        check="duplicates", severity="warning", message="twice", rows={"test": (1, 9), "validation": (3,)}
    )

    render(replace(SPLIT, findings=(finding,)))

    assert "twice; test rows 1, 9; validation rows 3" in capsys.readouterr().out


def test_columns_that_have_not_drifted_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    render(replace(PREDICT, drift=PREDICT.drift[1:]))

    assert "none of 1 columns has drifted (largest PSI 0.020, plan)" in capsys.readouterr().out
