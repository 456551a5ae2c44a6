from __future__ import annotations

from pathlib import Path

import pytest

from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.folders import SessionFolders, is_being_written, run_folders
from mltrain.tracking.liveness import living
from mltrain.tracking.local import open_tracker
from mltrain.tracking.records import FILE_NAME


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def local(runs: Path) -> Tracker:
    return open_tracker(TrackerSettings(project="p", workspace=None, directory=runs, options={}))


def test_runs_of_a_session_are_found_as_they_come(local: Tracker, runs: Path) -> None:
    folders = SessionFolders(runs, "s")
    assert folders.look() == []

    local.start_run("foreign", {"mltrain.session": "another"})
    local.start_run("first", {"mltrain.session": "s"})
    (runs / "unwritten").mkdir()
    (runs / "unwritten" / FILE_NAME).touch()
    assert [d.name for d in folders.look()] == ["first"]

    local.start_run("second", {"mltrain.session": "s"})
    (runs / "unwritten" / FILE_NAME).write_text((runs / "second" / FILE_NAME).read_text())
    assert {d.name for d in folders.look()} == {"first", "second", "unwritten"}
    assert run_folders(runs, session="s") == folders.look()


def test_a_record_of_another_session_is_opened_once(local: Tracker, runs: Path) -> None:
    local.start_run("foreign", {"mltrain.session": "another"})
    folders = SessionFolders(runs, "s")
    folders.look()
    record = runs / "foreign" / FILE_NAME
    record.write_text(record.read_text().replace("another", "s"))

    assert folders.look() == []


def test_a_run_is_being_written_while_its_process_lives_and_it_is_open(local: Tracker, runs: Path) -> None:
    run = local.start_run("r", {"mltrain.session": "s"})

    assert not is_being_written(runs / "r")
    with living(runs, "s"):
        assert is_being_written(runs / "r")
        run.finish()
        assert not is_being_written(runs / "r")
