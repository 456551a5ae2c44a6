"""The runs of one `train`, at the tracker's boundary."""

from __future__ import annotations

import csv
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from comet_server.faults import Fault
from comet_server.server import CometServer

from mltrain.config import TrainSection
from mltrain.errors import Interrupted, PluginError
from mltrain.leaderboard import standing
from mltrain.tracking.session import TrackedSession, open_local, open_session, stamp, tracker_settings
from mltrain.tracking.training import SESSION
from mltrain.workspace import Workspace


def _settings(tracker: str = "local", **more: Any) -> TrainSection:
    return TrainSection(experiment_tracker=tracker, project_name="churn", **more)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "workspace")


def _keys(workspace: Workspace) -> list[dict[str, str]]:
    with workspace.experiment_keys.open() as file:
        return list(csv.DictReader(file))


def test_a_run_is_named_after_its_model_and_tagged_with_its_id(workspace: Workspace) -> None:
    with open_session(_settings(), workspace) as session, session.run("lgbm", {SESSION: session.id}) as run:
        run.log_metrics({"score": 0.5})

    info = open_local(_settings(), workspace).get_run(run.id)
    assert re.fullmatch(r"lgbm-\d{8}T\d{12}", run.id)
    assert info.status == "finished"
    assert info.metrics == {"score": 0.5}
    assert info.tags == {SESSION: session.id, "mltrain.run_id": run.id}
    assert [row["run_id"] for row in _keys(workspace)] == [run.id]


def _run_two(workspace: Workspace, ids: list[str], error: BaseException) -> None:
    """End one run well and another with an error."""
    with open_session(_settings(), workspace) as session:
        with session.run("xgboost", {}) as run:
            ids.append(run.id)
        with session.run("lgbm", {}) as run:
            ids.append(run.id)
            raise error


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_a_run_that_raises_is_marked_as_failed_and_listed(workspace: Workspace, error: BaseException) -> None:
    ids: list[str] = []
    with pytest.raises(type(error)):
        _run_two(workspace, ids, error)

    local = open_local(_settings(), workspace)
    assert [local.get_run(run_id).status for run_id in ids] == ["finished", "failed"]
    assert {row["run_id"]: row["status"] for row in _keys(workspace)} == dict(
        zip(ids, ["finished", "failed"], strict=True)
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("stopped")])
def test_an_interrupted_run_is_listed_as_such(workspace: Workspace, error: BaseException) -> None:
    ids: list[str] = []
    with pytest.raises(type(error)):
        _run_two(workspace, ids, error)

    info = open_local(_settings(), workspace).get_run(ids[1])
    listed = standing(
        info.tags, info.metrics, tracker_id=info.id, status=info.status, started_ms=0, source="local", url=None
    )
    assert (info.status, listed.status) == ("failed", "interrupted")


def test_a_run_that_its_block_calls_failed_stays_so(workspace: Workspace) -> None:
    with open_session(_settings(), workspace) as session, session.run("lgbm", {}) as run:
        run.finish("failed")

    assert open_local(_settings(), workspace).get_run(run.id).status == "failed"


def test_an_unknown_tracker_is_refused_before_anything_is_written(workspace: Workspace) -> None:
    with pytest.raises(PluginError, match="comet-mll") as caught, open_session(_settings("comet-mll"), workspace):
        raise AssertionError("it opened")

    assert "comet_ml" in str(caught.value.hint)
    assert not workspace.root.exists()


def test_local_runs_need_no_sender(workspace: Workspace) -> None:
    with open_session(_settings(), workspace) as session:
        assert session.sender is None
        delivery = session.finish()

    assert (delivery.where, delivery.warnings) == ("local", ())
    assert session.finish() is delivery


def test_a_sender_that_the_disk_refuses_is_a_warning_and_nothing_recorded_is_lost(workspace: Workspace) -> None:
    workspace.runs.mkdir(parents=True)
    (workspace.runs / ".trackers").touch()

    with open_session(_settings("comet_ml"), workspace) as session, session.run("lgbm", {SESSION: session.id}) as run:
        run.log_metrics({"score": 0.5})

    (warning,) = session.finish().warnings
    assert "mltrain runs sync" in warning
    assert open_local(_settings(), workspace).get_run(run.id).metrics == {"score": 0.5}


def test_a_sender_is_ended_however_the_block_ends(workspace: Workspace) -> None:
    settings = _settings("comet_ml")  # no key: it spools offline

    session = _broken(settings, workspace)

    assert session.sender is not None
    assert session.sender._process.poll() is not None
    assert session.finish().where.startswith("comet_ml")


def _broken(settings: TrainSection, workspace: Workspace) -> TrackedSession:
    """Return a session whose block raised."""
    with suppress(ZeroDivisionError), open_session(settings, workspace) as session:
        1 / 0  # noqa: B018
    return session


def test_the_tracker_gets_what_the_config_says_and_a_folder_of_its_own(workspace: Workspace) -> None:
    found = tracker_settings(
        _settings("mlflow", workspace_name="team", tracker_options={"tracking_uri": "http://127.0.0.1:9"}), workspace
    )

    assert (found.project, found.workspace) == ("churn", "team")
    assert found.directory == workspace.runs / ".trackers" / "mlflow"
    assert found.options == {"tracking_uri": "http://127.0.0.1:9"}


def test_stamps_sort_by_time() -> None:
    stamps = [stamp() for _ in range(50)]

    assert stamps == sorted(stamps)
    assert all(re.fullmatch(r"\d{8}T\d{12}", s) for s in stamps)


def _stop_while_it_hangs(workspace: Workspace, hang: Fault, sessions: list[TrackedSession], asked: list[float]) -> None:
    """Ask to stop in the middle of a run whose sender gets no answer."""
    with open_session(_settings("comet_ml"), workspace) as session, session.run("lgbm", {SESSION: session.id}):
        sessions.append(session)
        end_s = time.monotonic() + 60
        while not hang.played and time.monotonic() < end_s:
            time.sleep(0.05)
        asked.append(time.monotonic())
        raise Interrupted("stopped")


def test_who_asks_to_stop_does_not_wait_for_a_service_that_hangs(
    workspace: Workspace, comet_server: CometServer
) -> None:
    hang = comet_server.play(Fault(kind="hang", path="^(?!.*isAlive)", seconds=60))
    sessions: list[TrackedSession] = []
    asked: list[float] = []

    with pytest.raises(Interrupted):
        _stop_while_it_hangs(workspace, hang, sessions, asked)
    seconds = time.monotonic() - asked[0]

    assert hang.played
    assert seconds < 8.0
    assert "mltrain runs sync" in sessions[0].finish().warnings[0]
