"""Eleven troubles in each of three commands: the real client in a real process, against the stand-in.

Whatever happens, the command ends in time with its own work done, says in a warning what the service lacks, and
``mltrain runs sync`` brings it there once. All cells: ``pytest -m slow tests/tracking/test_comet_faults.py``;
``python benchmarks/tracker_faults.py`` prints what each costs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comet_server.arrived import assert_everything_arrived_once
from comet_server.cells import COMMANDS, KILLED, PROMISED_S, Stage, play, program, settings_of
from comet_server.server import CometServer
from comet_server.trouble import TROUBLES

from mltrain.commands.runs import sync
from mltrain.config import loading
from mltrain.workspace import Workspace

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

QUICK = {("bad key", "train")}
LEAVES_S = 15.0  # a request to terminate is answered in tenths of a second, on a busy machine in seconds
CLOSES_S = 3.0  # what a command does itself after its own work: lists, the sender's end, its own end


@pytest.fixture(scope="module")
def stage(comet_process: CometServer, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    root = tmp_path_factory.mktemp("stage")
    with pytest.MonkeyPatch.context() as patch:
        _lead_to(comet_process, root, patch)
        return Stage(comet_process, root)


@pytest.fixture(autouse=True)
def _environment(comet_process: CometServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _lead_to(comet_process, tmp_path / "home", monkeypatch)


def _lead_to(server: CometServer, home: Path, patch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("COMET_")]:
        patch.delenv(name)
    for name, value in settings_of(server, home).items():
        patch.setenv(name, value)


def cells() -> Iterator[Any]:
    for command in COMMANDS:
        for trouble in TROUBLES:
            marks = () if (trouble, command) in QUICK else (pytest.mark.slow,)
            yield pytest.param(trouble, command, marks=marks, id=f"{trouble} in {command}")


@pytest.mark.parametrize(("trouble", "command"), list(cells()))
def test_trouble_costs_a_warning_and_little_time_and_sync_brings_everything_once(
    trouble: str, command: str, stage: Stage, comet_process: CometServer, tmp_path: Path
) -> None:
    cell = play(comet_process, stage.before(command, trouble), tmp_path / "w", trouble=trouble, command=command)

    print(command, trouble, cell)
    assert cell.was_met, cell
    assert cell.exit_code == {"SIGTERM": 130, "SIGKILL": -9}.get(trouble, 0)
    if cell.since_signal_s is not None:
        assert cell.since_signal_s < LEAVES_S
    if trouble not in KILLED:
        assert cell.after_s is not None
        assert cell.after_s - cell.starved_after_s < PROMISED_S[command] + CLOSES_S
        if not cell.says_what_is_missing:  # a service that came back may have got everything
            assert_everything_arrived_once(comet_process, tmp_path / "w", registers=command == "register")
    if cell.exit_code:
        again = subprocess.run(program(command), cwd=tmp_path / "w", capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stderr
    assert (command != "register") or (tmp_path / "w" / "registry" / "churn" / "1" / "model").is_dir()

    config = loading.load(tmp_path / "w" / "mltrain.yaml")
    report = sync(config, Workspace(root=tmp_path / "w"))

    assert (report.pending, report.warnings) == ((), ())
    assert_everything_arrived_once(comet_process, tmp_path / "w", registers=command == "register")
    comet_process.heard.clear()
    assert sync(config, Workspace(root=tmp_path / "w")).warnings == ()
    assert {h.method for h in comet_process.heard} <= {"GET"}
    assert (comet_process.unknown, comet_process.violations) == ([], [])
