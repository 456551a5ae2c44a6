"""`mltrain reproduce RUN` as its users call it: its exit codes, its document, and what it leaves alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config.loading import load
from mltrain.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")
CONFIG = """\
data: {source: "example:churn", target: churned, id_columns: [customer]}
train: {experiment_tracker: local}
evaluate: {figures: false}
"""


@pytest.fixture(scope="module")
def budgeted_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train all families and their ensemble under a budget that begins when everything is imported."""
    folder = tmp_path_factory.mktemp("budgeted")
    (folder / "mltrain.yaml").write_text(CONFIG)
    config, workspace = load(folder / "mltrain.yaml"), Workspace(root=folder)
    split(config, workspace)
    train(config, workspace, request=TrainRequest(budget_s=8.0))
    return folder


@pytest.fixture
def budgeted(budgeted_root: Path, tmp_path: Path) -> Path:
    shutil.copytree(budgeted_root, tmp_path / "work")
    return tmp_path / "work"


def _files(folder: Path) -> dict[str, bytes]:
    """Return what is on disk but for the log of the libraries."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "mltrain.log")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _ensemble(folder: Path) -> str:
    return next((folder / "runs").glob("ensemble-*")).name


def test_every_run_of_a_budgeted_session_is_confirmed(budgeted: Path, call: Any) -> None:
    before = _files(budgeted)
    runs = sorted(path.parent.name for path in (budgeted / "runs").glob("*/run.json"))

    found = {run: call(budgeted, "reproduce", run, "--json") for run in runs}

    assert len(found) >= 2
    for run, ended in found.items():
        assert ended.code == 0, ended.err
        assert (ended.document["command"], ended.document["status"]) == ("reproduce", "ok")
        data = ended.document["data"]
        assert (data["run_id"], data["agrees"], data["tolerance"], data["warnings"]) == (run, True, 1e-6, [])
        assert data["differences"]["calibrated"] <= 1e-14
        assert {part["recorded_score"] - part["score"] for part in data["parts"]} == {0.0}
    assert _files(budgeted) == before


def test_a_changed_parameter_is_a_verdict_that_said_no(budgeted: Path, call: Any) -> None:
    run = next((budgeted / "runs").glob("lgbm-*")).name
    path = budgeted / "runs" / run / "run.json"
    record = json.loads(path.read_text())
    record["parts"][0]["trial"]["params"]["learning_rate"] *= 2
    path.write_text(json.dumps(record))

    ended = call(budgeted, "reproduce", run, "--json")
    shown = call(budgeted, "reproduce", run)

    assert (ended.code, ended.document["status"], ended.document["errors"]) == (4, "refused", [])
    assert ended.document["data"]["differences"]["raw"] > 1e-3
    assert shown.code == 4
    assert "not reproduced: a difference of" in shown.out
    assert "Traceback" not in shown.err
    assert call(budgeted, "reproduce", run, "--tolerance", "1").code == 0


def test_a_run_that_is_not_there(budgeted: Path, call: Any) -> None:
    ended = call(budgeted, "reproduce", "lgbm-0", "--json")

    assert ended.code == 5
    (error,) = ended.document["errors"]
    assert (error["code"], error["message"], error["hint"]) == ("no_run_error", "no run 'lgbm-0'", "mltrain runs ls")


def test_other_rows_are_a_data_error_that_says_what_differs(budgeted: Path, call: Any) -> None:
    assert call(budgeted, "split", "--set", "seed=7").code == 0

    ended = call(budgeted, "reproduce", _ensemble(budgeted))

    assert ended.code == 3
    assert "the train rows, the validation rows differ (it was made with another seed)" in " ".join(ended.err.split())


def test_a_tolerance_below_zero_is_no_usage(budgeted: Path, call: Any) -> None:
    assert call(budgeted, "reproduce", "lgbm-0", "--tolerance", "-1").code == 2
