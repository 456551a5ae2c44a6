from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain.errors import PluginError
from mltrain.tracking import Run, Tracker, TrackerSettings
from mltrain.tracking.json_registry import JsonRegistry
from mltrain.tracking.liveness import living
from mltrain.tracking.local import LocalTracker, open_tracker
from mltrain.tracking.sender import start, sync


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def local(runs: Path) -> Tracker:
    return open_tracker(TrackerSettings(project="p", workspace=None, directory=runs, options={}))


@pytest.fixture
def elsewhere(tmp_path: Path) -> TrackerSettings:
    return TrackerSettings(project="p", workspace=None, directory=tmp_path / "elsewhere", options={})


def _log(local: Tracker, name: str, *, session: str = "s") -> None:
    run = local.start_run(name, {"mltrain.session": session})
    run.log_metrics({"score": 0.5}, step=1)
    run.finish()


def _wait(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "nothing happened in time"
        time.sleep(0.05)


def test_the_runs_of_the_session_arrive(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    _log(local, "before")
    _log(local, "foreign", session="another")
    sender = start("local", elsewhere, runs=runs, session="s")
    _log(local, "after")

    report = sender.finish(timeout_s=30)

    assert report.synced == ("before", "after")
    assert report.pending == ()
    assert report.warnings == ()
    assert report.mode == "local"
    copied = open_tracker(elsewhere).list_runs()
    assert {i.tags["mltrain.run_id"] for i in copied} == {"before", "after"}
    assert sender.finish() is report


def test_a_run_is_sent_while_it_grows(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    sender = start("local", elsewhere, runs=runs, session="s")
    run = local.start_run("growing", {"mltrain.session": "s"})
    there = open_tracker(elsewhere)
    _wait(lambda: len(there.list_runs()) == 1)

    run.log_metrics({"score": 0.25}, step=0)
    _wait(lambda: there.list_runs()[0].metrics == {"score": 0.25})
    assert there.list_runs()[0].status == "running"
    run.finish()
    report = sender.finish(timeout_s=30)

    assert report.synced == ("growing",)
    assert there.list_runs()[0].status == "finished"


def test_what_does_not_fit_into_the_time_is_pending_and_sync_sends_it(
    local: Tracker, runs: Path, elsewhere: TrackerSettings
) -> None:
    _log(local, "late")
    sender = start("local", elsewhere, runs=runs, session="s")

    report = sender.finish(timeout_s=0)

    assert report.pending == ("late",)
    assert "mltrain runs sync" in report.warnings[0]
    assert sync(runs, "local", elsewhere).synced == ("late",)
    assert len(open_tracker(elsewhere).list_runs()) == 1


def test_a_tracker_that_cannot_be_opened_is_a_warning(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    _log(local, "r")
    sender = start("nonsense", elsewhere, runs=runs, session="s")

    report = sender.finish(timeout_s=30)

    assert report.pending == ("r",)
    assert "nonsense" in report.warnings[0]


def test_a_broken_sender_is_a_warning_that_names_its_log(
    local: Tracker, runs: Path, elsewhere: TrackerSettings
) -> None:
    _log(local, "r")
    sender = start("local", replace(elsewhere, directory=Path("/proc/nowhere")), runs=runs, session="s")

    report = sender.finish(timeout_s=30)

    assert report.pending == ("r",)
    assert len(report.warnings) == 1


_PARENT = """
import os, time
from pathlib import Path
from mltrain.tracking import TrackerSettings
from mltrain.tracking.local import open_tracker
from mltrain.tracking.sender import start
runs, elsewhere = Path({runs!r}), Path({elsewhere!r})
settings = TrackerSettings(project="p", workspace=None, directory=elsewhere, options={{}})
sender = start("local", settings, runs=runs, session="s")
here = open_tracker(TrackerSettings(project="p", workspace=None, directory=runs, options={{}}))
run = here.start_run("orphan", {{"mltrain.session": {session!r}}})
run.log_metrics({{"score": 0.5}}, step=1)
while not {is_ready}:
    time.sleep(0.05)
print(flush=True)
time.sleep(60)
"""


def _kill_a_parent(runs: Path, elsewhere: TrackerSettings, *, session: str, is_ready: str) -> None:
    """Start a process that starts a sender and writes a run, and kill it when it is ready."""
    text = _PARENT.format(runs=str(runs), elsewhere=str(elsewhere.directory), session=session, is_ready=is_ready)
    parent = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, env=dict(os.environ))
    assert parent.stdout is not None
    parent.stdout.readline()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()


def test_the_death_of_the_parent_ends_its_runs_as_failed(
    local: Tracker, runs: Path, elsewhere: TrackerSettings
) -> None:
    _kill_a_parent(runs, elsewhere, session="s", is_ready='list(elsewhere.glob("*/tracking.jsonl"))')

    there = open_tracker(elsewhere)
    _wait(lambda: there.list_runs()[0].status == "failed")
    assert there.list_runs()[0].metrics == {"score": 0.5}
    assert local.get_run("orphan").status == "failed"


def test_a_run_that_another_process_writes_is_left_to_its_own_sender(
    local: Tracker, runs: Path, elsewhere: TrackerSettings
) -> None:
    local.start_run("open", {"mltrain.session": "s"})
    _log(local, "ended")

    with living(runs, "s"):
        report = start("local", elsewhere, runs=runs, session="s").finish(timeout_s=30)

    assert (report.synced, report.warnings) == (("ended",), ())
    assert [i.name for i in open_tracker(elsewhere).list_runs()] == ["ended"]
    assert local.get_run("open").status == "running"


def test_the_death_of_another_command_does_not_end_a_run_whose_process_lives(
    local: Tracker, runs: Path, elsewhere: TrackerSettings
) -> None:
    local.start_run("open", {"mltrain.session": "s"})
    scratch = runs / ".trackers" / "local" / "scratch"

    with living(runs, "s"):
        _kill_a_parent(runs, elsewhere, session="another", is_ready='list(runs.glob(".trackers/local/scratch/*"))')
        _wait(lambda: not list(scratch.glob("*")))  # its sender has left

    assert local.get_run("open").status == "running"
    assert open_tracker(elsewhere).list_runs() == []


def test_sync_sends_what_was_added_after_the_end(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    _log(local, "r")
    sync(runs, "local", elsewhere)
    later = local.resume_run("r")
    later.log_metrics({"test_score": 0.75})

    report = sync(runs, "local", elsewhere)

    assert report.synced == ("r",)
    (info,) = open_tracker(elsewhere).list_runs()
    assert info.metrics == {"score": 0.5, "test_score": 0.75}


def test_sync_ends_and_sends_a_run_whose_writer_died(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    local.start_run("dead", {"mltrain.session": "s"}).log_metrics({"score": 0.5})

    report = sync(runs, "local", elsewhere)

    (info,) = open_tracker(elsewhere).list_runs()
    assert report.synced == ("dead",)
    assert (info.status, info.metrics) == ("failed", {"score": 0.5})


def test_sync_leaves_a_run_that_is_being_written(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    local.start_run("open", {"mltrain.session": "s"})

    with living(runs, "s"):
        report = sync(runs, "local", elsewhere)

    assert report.pending == ("open",)
    assert open_tracker(elsewhere).list_runs() == []


def test_sync_with_the_local_records_themselves_has_nothing_to_do(local: Tracker, runs: Path) -> None:
    _log(local, "r")
    settings = TrackerSettings(project="p", workspace=None, directory=runs, options={})

    report = sync(runs, "local", settings)

    assert report.synced == ("r",)
    assert len(local.list_runs()) == 1


class _Fussy(LocalTracker):
    """A tracker that breaks over some runs, in words of its own."""

    name = "fussy"

    def start_run(self, name: str, tags: Mapping[str, str] | None = None) -> Run:
        if name.startswith("bad"):
            raise ValueError("token=abcdefgh is not for you")
        return super().start_run(name, tags)


def test_sync_goes_on_after_trouble_and_warns_once(
    local: Tracker, runs: Path, elsewhere: TrackerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad-1", "bad-2", "good"):
        _log(local, name)
    fussy = _Fussy(elsewhere.directory, JsonRegistry(elsewhere.directory / "registry"))
    monkeypatch.setattr("mltrain.plugins.load", lambda group, name: lambda settings: fussy)

    report = sync(runs, "fussy", elsewhere)

    (warning,) = report.warnings
    assert (report.synced, report.pending) == (("good",), ("bad-1", "bad-2"))
    assert warning == (
        "not in fussy yet: bad-1, bad-2 (ValueError: token=*** is not for you); 'mltrain runs sync' sends what is left"
    )


def test_a_long_log_is_begun_anew(local: Tracker, runs: Path, elsewhere: TrackerSettings) -> None:
    _log(local, "r")
    log = runs / ".trackers" / "local" / "sender.log"
    log.parent.mkdir(parents=True)
    log.write_text("long ago\n" * 200_000)

    start("local", elsewhere, runs=runs, session="s").finish(timeout_s=30)

    assert "long ago" not in log.read_text()
    assert "long ago" in log.with_name("sender.log.1").read_text()


def test_sync_with_an_unknown_tracker_is_a_plugin_error(runs: Path, elsewhere: TrackerSettings) -> None:
    with pytest.raises(PluginError):
        sync(runs, "nonsense", elsewhere)
