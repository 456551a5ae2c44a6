"""Answers that are not the service's, and archives that are broken: each costs an error of the tracker, no other."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comet_server.faults import Fault
from comet_server.server import CometServer

from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.comet import open_tracker

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

CALLS: dict[str, Callable[[Tracker, str, Path], Any]] = {
    "start_run": lambda tracker, _, __: tracker.start_run("another"),
    "resume_run": lambda tracker, run, _: tracker.resume_run(run),
    "list_runs": lambda tracker, _, __: tracker.list_runs({"a": "b"}),
    "get_run": lambda tracker, run, _: tracker.get_run(run),
    "metric_history": lambda tracker, run, _: tracker.metric_history(run, "score"),
    "fetch_file": lambda tracker, run, dest: tracker.fetch_file(run, "x", dest),
    "fetch_model": lambda tracker, run, dest: tracker.fetch_model(run, dest),
    "register": lambda tracker, run, _: tracker.register(run, "churn"),
    "set_alias": lambda tracker, _, __: tracker.set_alias("churn", "champion", "1.0.0"),
    "get_alias": lambda tracker, _, __: tracker.get_alias("churn", "champion"),
    "versions": lambda tracker, _, __: tracker.versions("churn"),
    "fetch_version": lambda tracker, _, dest: tracker.fetch_version("churn", "1.0.0", dest),
}
READS = [name for name in CALLS if name.startswith(("list", "get", "metric", "fetch", "versions"))]
EMPTY = ("list_runs", "get_run", "metric_history", "get_alias", "versions")  # to these nothing may be an answer


def _logged(tracker: Tracker, tmp_path: Path) -> str:
    """Log a run with a file and a model, and return its id."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "x").write_text("of a model" * 99)
    run = tracker.start_run("r", {"a": "b"})
    run.log_metrics({"score": 0.5})
    run.log_file(tmp_path / "model" / "x", "x")
    run.log_model(tmp_path / "model")
    run.finish()
    return run.id


@pytest.mark.parametrize("kind", ["page", "null"])
@pytest.mark.parametrize("path", ["", "get-asset|registry|chart|metric|asset/list|experiment/model$", "download"])
def test_an_answer_that_is_not_the_service_s_is_a_tracker_error(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path, kind: Any, path: str
) -> None:
    tracker = open_tracker(settings)
    run_id = _logged(tracker, tmp_path)
    tracker.register(run_id, "churn")
    fault = comet_server.play(Fault(kind=kind, path=path))

    for name, call in CALLS.items():
        if path and name not in READS:
            continue
        fault.played = 0
        try:
            answer = call(tracker, run_id, tmp_path / name)
        except (TrackerError, NoRunError):
            assert fault.played, name
            assert not (tmp_path / name).exists()
        else:
            assert not fault.played or (kind == "null" and name in EMPTY), answer


def test_a_file_that_is_not_what_was_logged_is_an_error(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    tracker = open_tracker(settings)
    run_id = _logged(tracker, tmp_path)
    (asset,) = (a for a in comet_server.state.experiments[run_id].assets if a.kind == "asset")
    asset.content = b"otherwise"

    with pytest.raises(TrackerError, match="'x' is not what was logged"):
        tracker.fetch_file(run_id, "x", tmp_path / "dest")

    assert not (tmp_path / "dest").exists()


def test_all_versions_take_one_request(settings: TrackerSettings, comet_server: CometServer, tmp_path: Path) -> None:
    tracker = open_tracker(settings)
    run_id = _logged(tracker, tmp_path)
    for _ in range(12):
        tracker.register(run_id, "Churn Model")
    tracker.set_alias("Churn Model", "champion", "11.0.0")
    comet_server.heard.clear()

    known = tracker.versions("Churn Model")

    assert comet_server.requests == ["GET /api/rest/v2/registry-model/details"]
    assert [v.version for v in known] == [f"{n}.0.0" for n in range(1, 13)]
    assert {v.run_id for v in known} == {run_id}
    assert {v.version: set(v.aliases) for v in known if v.aliases} == {
        "11.0.0": {"champion"},
        "12.0.0": {"challenger"},
    }


def test_a_damaged_archive_is_a_tracker_error(settings: TrackerSettings, tmp_path: Path) -> None:
    tracker = open_tracker(settings)
    run_id = _logged(tracker, tmp_path)
    (path,) = settings.directory.glob("*.zip")
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        (member, *_) = (m for m in archive.infolist() if archive.read(m).startswith(b"of a model"))
    for offset in (member.header_offset, member.header_offset + 100 + len(member.filename)):
        damaged = bytearray(content)
        damaged[offset : offset + 8] = b"!" * 8
        path.write_bytes(damaged)

        failures = []
        for name in ("fetch_file", "fetch_model"):
            try:
                CALLS[name](tracker, run_id, tmp_path / name)
            except TrackerError as error:
                failures.append(error)
        assert failures
        assert all(error.where == str(path) for error in failures)
