from __future__ import annotations

import time
from pathlib import Path

import pytest

from mltrain.errors import TrackerError
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.local import LocalTracker, open_tracker
from mltrain.tracking.union import recent_runs


class Elsewhere(LocalTracker):
    """The reference tracker under another name."""

    name = "elsewhere"
    mode = "online"


class Failing(Elsewhere):
    def list_runs(self, tags=None, *, limit=100):
        raise TrackerError("the server answered 503")


def _trackers(tmp_path: Path, kind: type[LocalTracker] = Elsewhere) -> tuple[Tracker, Tracker]:
    local = open_tracker(TrackerSettings(project="p", workspace=None, directory=tmp_path / "a", options={}))
    return local, kind(tmp_path / "b", None)  # type: ignore[arg-type]


def _log(tracker: Tracker, run_id: str, *, score: float | None = 0.5, ends: bool = True) -> str:
    time.sleep(0.003)
    run = tracker.start_run(run_id, {"mltrain.run_id": run_id, "kind": "training"})
    if score is not None:
        run.log_metrics({"validation_score": score})
    if ends:
        run.finish()
    return run.id


def test_a_run_that_both_know_is_listed_once_and_is_the_trackers(tmp_path: Path) -> None:
    local, there = _trackers(tmp_path)
    _log(local, "lgbm-1")
    _log(there, "lgbm-1", score=0.625)

    found = recent_runs(there, local, tags={"kind": "training"})

    ((run,), answered) = found.runs, found.answered
    assert (run.run_id, run.origin, run.info.metrics["validation_score"]) == ("lgbm-1", "tracker", 0.625)
    assert answered == "elsewhere (online)"
    assert found.warnings == ()


@pytest.mark.parametrize(("score", "ends"), [(None, True), (0.5, False)])
def test_a_run_on_its_way_is_the_local_one(tmp_path: Path, score: float | None, ends: bool) -> None:
    local, there = _trackers(tmp_path)
    _log(local, "lgbm-1")
    _log(there, "lgbm-1", score=score, ends=ends)

    (run,) = recent_runs(there, local, tags={}).runs

    assert run.origin == "local"


def test_a_copy_without_the_hash_of_the_model_is_not_all_of_the_run(tmp_path: Path) -> None:
    local, there = _trackers(tmp_path)
    _log(local, "lgbm-1")
    _log(there, "lgbm-1")
    local.resume_run("lgbm-1").set_tags({"mltrain.manifest": "0" * 64})
    there.resume_run("lgbm-1").set_tags({"of the tracker": "alone"})

    (before,) = recent_runs(there, local, tags={}).runs
    there.resume_run("lgbm-1").set_tags({"mltrain.manifest": "0" * 64})
    (after,) = recent_runs(there, local, tags={}).runs

    assert (before.origin, before.info.tags["mltrain.manifest"]) == ("local", "0" * 64)
    assert after.origin == "tracker"


def test_runs_of_either_side_are_listed_newest_first_up_to_the_limit(tmp_path: Path) -> None:
    local, there = _trackers(tmp_path)
    _log(local, "one")
    _log(there, "two")
    _log(local, "three")

    assert [r.run_id for r in recent_runs(there, local).runs] == ["three", "two", "one"]
    assert [r.run_id for r in recent_runs(there, local, limit=2).runs] == ["three", "two"]


def test_a_failing_tracker_is_a_warning(tmp_path: Path) -> None:
    local, there = _trackers(tmp_path, Failing)
    _log(local, "one")

    found = recent_runs(there, local)

    assert [r.origin for r in found.runs] == ["local"]
    assert found.answered == "local"
    assert "503" in found.warnings[0]


@pytest.mark.parametrize("is_given", [True, False])
def test_the_local_tracker_alone_is_asked_once(tmp_path: Path, is_given: bool) -> None:
    local, _ = _trackers(tmp_path)
    _log(local, "one")

    found = recent_runs(local if is_given else None, local)

    assert [r.origin for r in found.runs] == ["local"]
    assert found.answered == "local"
