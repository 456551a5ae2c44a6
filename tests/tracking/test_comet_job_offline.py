"""The whole job with Comet and without a key, and its sync once there is one."""

from __future__ import annotations

from collections import Counter

import pytest
from comet_job import RUN, Job, assert_no_secret, run_job, write_project
from comet_server.calls import KEY
from comet_server.cells import settings_of
from comet_server.server import CometServer

# The client leaves temporary files and threads to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("comet_environment"),
]


@pytest.fixture(scope="module")
def offline(comet_process: CometServer, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Job:
    """Run the job without a key; then get one and sync."""
    root = tmp_path_factory.mktemp("offline")
    write_project(root / "first")
    comet_process.reset()
    for name, value in settings_of(comet_process, root).items():
        patch.setenv(name, value)
    patch.setenv("COMET_API_KEY", "")
    ran = run_job(comet_process, root / "first", patch, RUN)
    assert ran.heard == ()
    assert "mltrain runs sync" in ran.shown
    patch.setenv("COMET_API_KEY", KEY)
    synced = run_job(comet_process, root / "first", patch, ("runs", "sync"))
    assert (comet_process.unknown, comet_process.violations) == ([], [])
    return Job(
        folder=ran.folder,
        state=synced.state,
        heard=synced.heard,
        shown=ran.shown + synced.shown,
        result={"run": ran.result, "sync": synced.result},
    )


def test_what_was_done_offline_is_synced_once_and_registered(
    offline: Job, comet_process: CometServer, patch: pytest.MonkeyPatch
) -> None:
    champion, sync = offline.result["run"]["evaluate"]["champion"], offline.result["sync"]

    trained = {c["run_id"] for c in offline.result["run"]["train"]["candidates"]}
    assert trained < set(sync["synced"])
    assert (sync["pending"], sync["warnings"], sync["registered"]) == ([], [], {"1": "1.0.0"})
    assert {e.others["mltrain.run_id"] for e in offline.state.experiments.values()} == set(sync["synced"])
    assert len(offline.state.experiments) == len(sync["synced"])
    parent, child = (
        offline.experiment("training", champion["model"]),
        offline.experiment("evaluation", champion["model"]),
    )
    assert child.others["mltrain.parent_key"] == parent.key
    (version,) = offline.state.versions
    assert (version.key, version.version, version.tags) == (parent.key, "1.0.0", ["champion"])
    points = Counter((e.key, p["metricName"], p["step"]) for e in offline.state.experiments.values() for p in e.points)
    assert set(points.values()) == {1}

    comet_process.reset()
    comet_process.state = offline.state
    again = run_job(comet_process, offline.folder, patch, ("runs", "sync"))

    assert (again.result["synced"], again.result["registered"]) == (sync["synced"], {})
    assert {h.path for h in again.heard} == {"/clientlib/isAlive/ver"}


def test_no_key_token_person_or_host_is_sent_shown_or_written(offline: Job) -> None:
    assert_no_secret(offline)
