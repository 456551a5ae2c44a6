"""Whole pictures of results, as a pipe gets them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mltrain.commands.doctor import Check, DoctorResult
from mltrain.commands.evaluate import EvaluateResult
from mltrain.commands.plugins import InstalledPlugin, PluginsResult
from mltrain.commands.predict import PredictResult
from mltrain.commands.register import RegisterResult
from mltrain.commands.registry import RegistryListResult, RegistryVerifyResult, VersionCheck, VersionLine
from mltrain.commands.runs import Difference, RunsCompareResult, RunsListResult, RunsShowResult, RunsSyncResult
from mltrain.commands.split import SplitResult, SplitSummary
from mltrain.commands.train import CandidateLine, TrainResult
from mltrain.console.amounts import duration_text
from mltrain.console.drawing import cell_text
from mltrain.console.render import render
from mltrain.console.tables import TABLES
from mltrain.data import Column, ColumnKind
from mltrain.data.splits import Finding
from mltrain.drift import ColumnDrift
from mltrain.leaderboard import Standing, standing
from mltrain.registry import Move
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
run          roc_auc   trials   resumed     own time   final fit   calibration
──────────────────────────────────────────────────────────────────────────────
lgbm-2        0.9124       40        12   1 min 15 s   bag         sigmoid
ensemble-3    0.9000        -         -        0.3 s   bag         none

validation      5-fold cross-validation on 48,842 rows
positive class  sí [x]
session         session-1
tracker         comet_ml (offline: no key)
training time   1 min 16 s
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


STAMP = "20261128T114744123456"
FAMILIES = ("logistic_regression", "lgbm", "xgboost", "random_forest", "ensemble")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def _standing(model: str, status: str = "finished") -> Standing:
    return standing(
        {"mltrain.metric": "roc_auc"}, {"validation_score": 0.9}, tracker_id=f"{model}-{STAMP}", status=status,
        started_ms=1795866464000, source="local", url=None,
    )  # fmt: skip


def _words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_narrow_leaderboard_leaves_out_columns_and_keeps_ids_and_numbers(
    narrow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tuple(
        replace(TRAIN.candidates[0], run_id=f"{model}-{STAMP}", n_trials=11, n_cut=1, n_resumed=5) for model in FAMILIES
    )

    render(replace(TRAIN, candidates=lines))

    head, rule, first, *_ = _words(capsys.readouterr().out)
    assert head == "run roc_auc trials own time"
    assert first == f"logistic_regression-{STAMP} 0.9124 11+1 cut 1 min 15 s"
    assert len(rule) <= 80


def test_a_narrow_list_of_runs_has_a_line_a_run(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    runs = (_standing("logistic_regression"), _standing("lgbm", "interrupted"))

    render(RunsListResult(runs=runs, answered="local", warnings=()))

    assert _words(capsys.readouterr().out)[2:] == [
        f"logistic_regression-{STAMP} roc_auc 0.9000 finished",
        f"lgbm-{STAMP} roc_auc 0.9000 interrupted",
        "from the local records",
    ]


def test_moments_are_told_to_the_minute(capsys: pytest.CaptureFixture[str]) -> None:
    render(RunsListResult(runs=(_standing("lgbm"),), answered="local", warnings=()))

    head, _, first, _ = _words(capsys.readouterr().out)
    assert head.endswith("started (UTC)")
    assert first.endswith("2026-11-28 11:47")


@pytest.mark.parametrize(("n_runs", "width"), [(3, 80), (5, 120), (5, 80)])
def test_runs_side_by_side_keep_the_names_of_their_rows(
    n_runs: int, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    runs = tuple(_standing(model) for model in FAMILIES[:n_runs])
    latency = Difference(name="validation_score_error", values=tuple(float(number) for number in range(n_runs)))

    render(RunsCompareResult(runs=runs, metrics=(latency,), params=(), answered="local", warnings=()))

    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    rows = [line for line in _words(out) if line.startswith("validation_score_error")]
    values = [value for row in rows for value in row.split()[1:]]
    assert values == ["0.0000", "1.0000", "2", "3", "4"][:n_runs]
    for model in FAMILIES[:n_runs]:
        assert out.count(f"{model}-\n") + out.count(f"{model}- ") == 2  # once for the scores, once for the parameters


def test_versions_and_champions_have_a_line_each(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    version = VersionLine(
        version="1", run_id=f"logistic_regression-{STAMP}", aliases=("champion",), who="root", model="",
        created="2026-11-28T11:47:44+00:00",
    )  # fmt: skip
    move = Move(
        when="2026-11-28T11:47:44+00:00", who="root", action="promote", version="1", previous=None, why="the first"
    )

    render(RegistryListResult(name="churn", versions=(version,), history=(move,)))

    lines = _words(capsys.readouterr().out)
    assert lines[3] == f"1 logistic_regression-{STAMP} champion"
    assert lines[-1] == "2026-11-28 11:47 promote 1 - root the first"


def test_what_is_optional_is_no_warning_and_its_command_stays_whole(
    narrow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "/home/someone/projects/churn/.venv/bin/python -m pip install 'mlflow-skinny>=3.14' 'sqlalchemy>=2'"
    checks = (
        Check(name="mltrain", state="ok", finding="0.1"),
        Check(name="mlflow", state="optional", finding="not installed", advice=f"no MLflow; {command}"),
    )

    render(DoctorResult(healthy=True, checks=checks))

    out = capsys.readouterr().out
    assert _words(out)[2:] == [
        "mltrain ok 0.1", "mlflow optional not installed", "", "optional", "mlflow no MLflow;", command, "",
        "all that mltrain needs is there",
    ]  # fmt: skip
    assert "warning" not in out


def test_a_plug_in_that_lacks_something_says_so_beneath_the_table(
    narrow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = InstalledPlugin(
        group="sources", name="sql", distribution="mltrain 0.1", value="", problem=None, note="psycopg not installed"
    )
    absent = replace(ready, name="duckdb", state="optional", problem="duckdb not installed", note=None)
    broken = replace(ready, group="models", name="mine", state="broken", problem="no module", note=None)

    render(PluginsResult(plugins=(ready, absent, broken)))

    assert _words(capsys.readouterr().out)[2:] == [
        "sources sql mltrain 0.1 ready", "sources duckdb mltrain 0.1 not installed (optional)",
        "models mine mltrain 0.1 broken", "", "what to do", "models mine no module", "", "optional",
        "sources sql psycopg not installed", "sources duckdb duckdb not installed",
    ]  # fmt: skip


def test_prose_is_broken_between_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")

    render(replace(PREDICT, drift=(), notes=("columns not known to the model were ignored: data.test_source",)))

    assert _words(capsys.readouterr().out)[-2:] == [
        "columns not known to the model", "were ignored: data.test_source",
    ]  # fmt: skip
