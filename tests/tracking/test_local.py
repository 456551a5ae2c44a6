from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest

from mltrain.errors import NoRunError, TrackerError
from mltrain.testing.tracker import TrackerContract
from mltrain.tracking import Tracker, TrackerSettings, records, training
from mltrain.tracking.local import open_tracker


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return open_tracker(TrackerSettings(project="churn", workspace=None, directory=tmp_path / "runs", options={}))


class TestContract(TrackerContract):
    @pytest.fixture
    def tracker(self, tracker: Tracker) -> Tracker:
        return tracker


def test_the_run_folder_is_named_after_the_run(tracker: Tracker, tmp_path: Path) -> None:
    first = tracker.start_run("lgbm-20260101T000000")
    second = tracker.start_run("lgbm-20260101T000000")

    assert first.id == "lgbm-20260101T000000"
    assert second.id == "lgbm-20260101T000000-2"
    assert (tmp_path / "runs" / first.id / "tracking.jsonl").is_file()


def test_a_folder_without_a_record_is_taken_over(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "runs" / "lgbm-1").mkdir(parents=True)

    assert tracker.start_run("lgbm-1").id == "lgbm-1"


@pytest.mark.parametrize("name", ["../out", "a/b", "naïve Läufe", "..", "", ".hidden"])
def test_any_name_gives_an_id_that_is_one_visible_folder(tracker: Tracker, tmp_path: Path, name: str) -> None:
    run = tracker.start_run(name)
    run.finish()

    assert (tmp_path / "runs" / run.id / "tracking.jsonl").is_file()
    assert not run.id.startswith(".")
    assert tracker.get_run(run.id).name == name


def test_a_file_that_is_in_place_is_recorded_and_not_copied(tracker: Tracker, tmp_path: Path) -> None:
    run = tracker.start_run("r")
    path = tmp_path / "runs" / "r" / "figures" / "roc.png"
    path.parent.mkdir()
    path.write_bytes(b"png")
    inode = path.stat().st_ino

    run.log_file(path, "figures/roc.png")

    assert path.stat().st_ino == inode
    assert tracker.fetch_file("r", "figures/roc.png", tmp_path / "out.png").read_bytes() == b"png"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", "a\\b", "C:/x"])
def test_names_that_lead_out_are_refused(tracker: Tracker, tmp_path: Path, name: str) -> None:
    run = tracker.start_run("r")
    source = tmp_path / "source"
    source.write_text("x")

    with pytest.raises(TrackerError, match="cannot be the name of a logged file"):
        run.log_file(source, name)


def test_a_link_out_of_the_run_is_refused(tracker: Tracker, tmp_path: Path) -> None:
    run = tracker.start_run("r")
    source = tmp_path / "source"
    source.write_text("x")
    (tmp_path / "runs" / "r" / "link").symlink_to(tmp_path)

    with pytest.raises(TrackerError, match="leads out of its folder"):
        run.log_file(source, "link/x")


def test_a_run_id_cannot_climb(tracker: Tracker, tmp_path: Path) -> None:
    tracker.start_run("r")
    (tmp_path / "tracking.jsonl").write_text('{"kind": "start", "time_ms": 1}\n')

    with pytest.raises(NoRunError):
        tracker.get_run("..")


def test_a_finished_run_takes_nothing_more(tracker: Tracker) -> None:
    run = tracker.start_run("r")
    run.finish()

    with pytest.raises(TrackerError, match="is finished"):
        run.log_metrics({"score": 1.0})


def test_nothing_comes_after_the_end_however_close_a_thread_is(
    tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_ending = threading.Event()

    def append_slowly(path: Path, record: records.Record) -> None:
        if record.kind == "finish":
            is_ending.set()
            time.sleep(0.2)
        records.append_record(path, record)

    def log_late() -> None:
        is_ending.wait(10)
        with pytest.raises(TrackerError):
            run.log_metrics({"late": 1.0})

    monkeypatch.setattr("mltrain.tracking.local.append_record", append_slowly)
    run = tracker.start_run("r")
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(log_late)
        run.finish()
        late.result()

    kinds = [r.kind for r in records.read_records(next(tmp_path.rglob(records.FILE_NAME)))]
    assert kinds == ["start", "finish"]


def test_a_line_that_a_crash_cut_short_is_skipped(tracker: Tracker, tmp_path: Path) -> None:
    run = tracker.start_run("r")
    run.log_metrics({"score": 0.5})
    record = tmp_path / "runs" / "r" / "tracking.jsonl"
    with record.open("a") as file:
        file.write('{"kind": "metrics", "time_ms": 1, "values": {"sco')

    resumed = tracker.resume_run("r")
    resumed.log_metrics({"other": 0.25})
    resumed.finish()

    assert tracker.get_run("r").metrics == {"score": 0.5, "other": 0.25}


def test_what_was_logged_survives_a_kill(tracker: Tracker, tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from mltrain.tracking import TrackerSettings
from mltrain.tracking.local import open_tracker
runs = Path({str(tmp_path / "runs")!r})
tracker = open_tracker(TrackerSettings(project="p", workspace=None, directory=runs, options={{}}))
run = tracker.start_run("killed")
for step in range(100):
    run.log_metrics({{"score": step / 2}}, step=step)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, env=dict(os.environ))

    assert ended.returncode == -signal.SIGKILL
    assert tracker.metric_history("killed", "score") == [(s, s / 2) for s in range(100)]
    assert tracker.get_run("killed").status == "running"


def test_the_registry_lies_beside_the_runs_unless_told_otherwise(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "x").write_text("x")
    for options, expected in (
        ({}, tmp_path / "registry" / ".local"),
        ({"registry_dir": str(tmp_path / "other")}, tmp_path / "other"),
    ):
        tracker = open_tracker(
            TrackerSettings(project="p", workspace=None, directory=tmp_path / "runs", options=options)
        )
        run = tracker.start_run("r")
        run.log_model(model)
        tracker.register(run.id, "churn")

        assert json.loads((expected / "churn.json").read_text())["versions"][0]["run_id"] == run.id


def test_names_that_differ_only_in_signs_are_different_models(tracker: Tracker, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "x").write_text("x")
    run = tracker.start_run("r")
    run.log_model(model)

    tracker.register(run.id, "a/b")
    tracker.register(run.id, "a b")

    assert len(tracker.versions("a/b")) == 1
    assert len(tracker.versions("a b")) == 1


def test_the_page_about_the_records_names_every_kind_field_and_tag(tracker: Tracker) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "local-records.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \|", page.partition("/run.json`")[0], re.MULTILINE))
    tags = {value for name, value in vars(training).items() if name.isupper() and str(value).startswith("mltrain.")}

    assert set(get_args(records.Kind)) | {"kind", "time_ms", "name", "values", "step", "status"} == rows
    assert tags <= set(re.findall(r"`(mltrain\.[\w.]+)`", page))
