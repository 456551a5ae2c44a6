"""`runs/experiment_keys.csv`, made anew from the records of the runs."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.keys import COLUMNS, write_experiment_keys
from mltrain.tracking.local import open_tracker
from mltrain.tracking.sync_state import SyncState, write_state
from mltrain.tracking.training import METRIC, MODEL, SESSION, VALIDATION_SCORE


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return open_tracker(TrackerSettings(project="p", workspace=None, directory=tmp_path / "runs", options={}))


def _rows(root: Path) -> list[dict[str, str]]:
    write_experiment_keys(root / "runs", root / "runs" / "experiment_keys.csv")
    with (root / "runs" / "experiment_keys.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_no_runs_is_a_header(tmp_path: Path) -> None:
    assert _rows(tmp_path) == []
    assert (tmp_path / "runs" / "experiment_keys.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_a_local_run_is_its_own_key(tracker: Tracker, tmp_path: Path) -> None:
    run = tracker.start_run("lgbm-1", {SESSION: "session-1", MODEL: "lgbm", METRIC: "f1"})
    run.log_metrics({VALIDATION_SCORE: 0.1 + 0.2})
    run.finish()

    (row,) = _rows(tmp_path)

    assert int(row.pop("started_ms")) == tracker.get_run("lgbm-1").started_ms
    assert row == {
        "run_id": "lgbm-1",
        "session": "session-1",
        "model": "lgbm",
        "tracker": "local",
        "experiment_key": "lgbm-1",
        "url": "",
        "synced": "",
        "status": "finished",
        "metric": "f1",
        "validation_score": "0.30000000000000004",  # every digit
    }


@pytest.mark.parametrize("status", ["open", "synced", "failed"])
def test_a_mirrored_run_has_the_key_of_the_tracker(tracker: Tracker, tmp_path: Path, status: str) -> None:
    tracker.start_run("lgbm-1").finish("failed")
    url = 'https://www.comet.com/team/"a, b"/key'
    state = SyncState(tracker="comet_ml", mode="online", remote_id="key", url=url, status=status)
    write_state(tmp_path / "runs" / "lgbm-1", state)

    (row,) = _rows(tmp_path)

    assert (row["tracker"], row["experiment_key"], row["url"]) == ("comet_ml", "key", url)
    assert (row["synced"], row["status"]) == (status, "failed")


def test_a_run_that_the_tracker_does_not_know_yet_has_no_key(tracker: Tracker, tmp_path: Path) -> None:
    tracker.start_run("lgbm-1")
    write_state(tmp_path / "runs" / "lgbm-1", SyncState(tracker="mlflow", mode="online"))

    (row,) = _rows(tmp_path)

    assert (row["experiment_key"], row["synced"]) == ("", "open")
    assert (row["status"], row["validation_score"]) == ("running", "")


def test_runs_are_listed_oldest_first_and_folders_that_are_none_are_left_out(tracker: Tracker, tmp_path: Path) -> None:
    names = ["z-1", "a-2", "m-3"]
    for name in names:
        tracker.start_run(name).finish()
    (tmp_path / "runs" / "studies").mkdir()
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "runs" / "empty" / "tracking.jsonl").touch()

    rows = _rows(tmp_path)

    assert {row["run_id"] for row in rows} == set(names)
    moments = [(int(row["started_ms"]), row["run_id"]) for row in rows]
    assert moments == sorted(moments)
    assert rows == _rows(tmp_path)
