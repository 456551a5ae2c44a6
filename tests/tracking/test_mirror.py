from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mltrain.errors import TrackerError
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.local import open_tracker
from mltrain.tracking.mirror import Mirror, is_sent, mirror
from mltrain.tracking.records import read_records
from mltrain.tracking.sync_state import read_state, write_state


class Killed(BaseException):
    """Stands for the end of the process."""


class Fuse:
    """Cuts a tracker's process off before or after its n-th write."""

    def __init__(self, n: int, *, after: bool) -> None:
        self.left = n
        self.after = after

    def call(self, write: Any, *args: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        result = write(*args, **options)
        if self.left == 0:
            raise Killed
        return result


class Cut:
    """A real tracker or run whose writes go through a fuse."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in ("start_run", "resume_run"):
            return lambda *a, **k: Cut(self._fuse.call(value, *a, **k), self._fuse)
        if name.startswith(("log_", "set_", "finish")):
            return lambda *a, **k: self._fuse.call(value, *a, **k)
        return value


def _tracker(directory: Path) -> Tracker:
    return open_tracker(TrackerSettings(project="p", workspace=None, directory=directory, options={}))


@pytest.fixture
def local(tmp_path: Path) -> Tracker:
    return _tracker(tmp_path / "here" / "runs")


@pytest.fixture
def remote(tmp_path: Path) -> Tracker:
    return _tracker(tmp_path / "there" / "runs")


def _write_run(local: Tracker, runs: Path, name: str = "lgbm-1", *, tags: Mapping[str, str] | None = None) -> Path:
    """Record a run with every kind of call."""
    run = local.start_run(name, {"mltrain.session": "s", **(tags or {})})
    run.log_params({"depth": 7})
    for step in range(3):
        run.log_metrics({"score": step / 4, "best": 0.5}, step=step)
    run.log_metrics({"score": 0.0}, step=0)  # the same point again is a point of its own
    directory = runs / name
    (directory / "trials.csv").write_text("number,score\n")
    run.log_file(directory / "trials.csv", "trials.csv")
    (directory / "model").mkdir()
    (directory / "model" / "manifest.json").write_text("{}")
    run.log_model(directory / "model")
    run.set_tags({"git": "abc"})
    run.finish("failed")
    return directory


def _assert_is_copy(remote: Tracker, directory: Path, tmp_path: Path) -> None:
    (info,) = remote.list_runs({"mltrain.run_id": directory.name})
    assert info.name == directory.name
    assert info.status == "failed"
    assert info.params == {"depth": "7"}
    assert info.tags == {
        "mltrain.run_id": directory.name,
        "mltrain.started_ms": str(next(read_records(directory / "tracking.jsonl")).time_ms),
        "mltrain.session": "s",
        "git": "abc",
    }
    assert remote.metric_history(info.id, "score") == [(0, 0.0), (1, 0.25), (2, 0.5), (0, 0.0)]
    assert remote.metric_history(info.id, "best") == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert remote.fetch_file(info.id, "trials.csv", tmp_path / "f").read_text() == "number,score\n"
    assert (remote.fetch_model(info.id, tmp_path / "m") / "manifest.json").read_text() == "{}"


def test_a_run_is_copied_whole(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")

    state = mirror(directory, remote, name="local")

    _assert_is_copy(remote, directory, tmp_path)
    assert state.status == "synced"
    assert state == read_state(directory)
    assert state.offset == (directory / "tracking.jsonl").stat().st_size
    assert is_sent(directory, "local", remote.mode)


def test_points_keep_the_time_at_which_they_were_measured(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")

    mirror(directory, remote, name="local")

    records = [read_records(d / "tracking.jsonl") for d in (directory, tmp_path / "there" / "runs" / directory.name)]
    here, there = ([(r.time_ms, r.values) for r in rs if r.kind == "metrics"] for rs in records)
    assert there == here


def test_mirroring_twice_sends_nothing_more(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")
    mirror(directory, remote, name="local")
    record = tmp_path / "there" / "runs" / directory.name / "tracking.jsonl"
    before = record.read_bytes()

    mirror(directory, remote, name="local")

    assert record.read_bytes() == before


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_call_loses_and_doubles_nothing(tmp_path: Path, after: bool) -> None:
    for n in itertools.count(1):
        root = tmp_path / str(n)
        local, remote = _tracker(root / "here" / "runs"), _tracker(root / "there" / "runs")
        directory = _write_run(local, root / "here" / "runs")
        fuse = Fuse(n, after=after)
        try:
            mirror(directory, Cut(remote, fuse), name="local")
        except Killed:
            mirror(directory, remote, name="local")

        _assert_is_copy(remote, directory, root)
        assert is_sent(directory, "local", remote.mode)
        if fuse.left > 0:
            break
    assert n > 8


def test_records_after_the_end_are_added_to_the_run(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")
    mirror(directory, remote, name="local")
    later = local.resume_run(directory.name)
    later.log_metrics({"test_score": 0.75})
    assert not is_sent(directory, "local", remote.mode)

    mirror(directory, remote, name="local")

    (info,) = remote.list_runs({"mltrain.run_id": directory.name})
    assert info.metrics["test_score"] == 0.75
    assert info.status == "failed"  # as before: the record has no other end
    assert len(remote.metric_history(info.id, "score")) == 4


def test_a_run_can_be_followed_while_it_grows(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    run = local.start_run("growing")
    copy = Mirror(tmp_path / "here" / "runs" / "growing", remote, name="local")
    assert copy.advance() == 1
    run.log_metrics({"score": 0.5}, step=1)
    assert copy.advance() == 1
    assert copy.advance() == 0
    assert not copy.has_ended
    run.finish()
    assert copy.advance() == 1
    assert copy.has_ended

    copy.close()

    (info,) = remote.list_runs()
    assert info.metrics == {"score": 0.5}
    assert info.status == "finished"


def test_a_file_that_is_gone_costs_a_warning(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")
    (directory / "trials.csv").unlink()
    copy = Mirror(directory, remote, name="local")

    copy.advance()
    copy.close()

    assert copy.warnings == ["trials.csv of run 'lgbm-1' is gone and was not sent"]
    assert is_sent(directory, "local", remote.mode)


def test_another_tracker_gets_a_copy_of_its_own(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")
    state = mirror(directory, remote, name="local")
    write_state(directory, type(state)(tracker="comet_ml", mode="online", remote_id="x", status="synced"))

    assert not is_sent(directory, "local", remote.mode)
    mirror(directory, remote, name="local")

    assert len(remote.list_runs({"mltrain.run_id": directory.name})) == 2


def test_a_run_at_an_unreachable_server_waits(local: Tracker, remote: Tracker, tmp_path: Path) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")
    state = mirror(directory, remote, name="local")
    write_state(directory, type(state)(tracker="local", mode="online", remote_id="x", status="open"))

    class Offline(Cut):
        mode = "offline: server unreachable"

    with pytest.raises(TrackerError, match="cannot be reached"):
        mirror(directory, Offline(remote, Fuse(-1, after=False)), name="local")


def test_an_unreadable_state_means_start_over_and_find_the_copy(
    local: Tracker, remote: Tracker, tmp_path: Path
) -> None:
    directory = _write_run(local, tmp_path / "here" / "runs")
    mirror(directory, remote, name="local")
    (directory / "sync.json").write_text("{")

    mirror(directory, remote, name="local")

    assert is_sent(directory, "local", remote.mode)
