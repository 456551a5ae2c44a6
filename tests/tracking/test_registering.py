"""The tracker's registry follows the workspace's: what is missing there is added once, the champion moves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain import files, registry
from mltrain.errors import TrackerError
from mltrain.tracking import ModelVersion, Tracker, TrackerSettings
from mltrain.tracking.json_registry import JsonRegistry
from mltrain.tracking.local import LocalTracker, open_tracker
from mltrain.tracking.registering import is_told, tell_registry
from mltrain.tracking.sender import sync
from mltrain.tracking.standings import Trackers
from mltrain.workspace import Workspace


class _Watched(LocalTracker):
    """A tracker elsewhere that counts what it is asked to change, and can refuse."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, JsonRegistry(folder / ".registry"))
        self.changes: list[str] = []
        self.refuses = ""

    def register(self, run_id: str, registry_name: str, **more: object) -> ModelVersion:
        self._change("register")
        return super().register(run_id, registry_name, **more)  # type: ignore[arg-type]

    def set_alias(self, registry_name: str, alias: str, version: str) -> None:
        self._change("set_alias")
        super().set_alias(registry_name, alias, version)

    def _change(self, what: str) -> None:
        if self.refuses == what:
            raise TrackerError("out of order")
        self.changes.append(what)


@pytest.fixture
def elsewhere(tmp_path: Path) -> _Watched:
    return _Watched(tmp_path / "elsewhere")


@pytest.fixture
def trackers(workspace: Workspace, elsewhere: _Watched) -> Trackers:
    settings = TrackerSettings(project="p", workspace=None, directory=elsewhere._runs, options={})
    local = open_tracker(replace(settings, directory=workspace.runs))
    return Trackers(name="local", settings=settings, local=local, remote=elsewhere)


@pytest.fixture
def workspace(tmp_path: Path, trained_root: Path) -> Workspace:
    """Return a workspace with one real model to make runs of."""
    (model,) = trained_root.glob("runs/logistic_regression-*/model")
    shutil.copytree(model, tmp_path / "workspace" / "model")
    return Workspace(root=tmp_path / "workspace")


def _train(trackers: Trackers, workspace: Workspace, name: str) -> str:
    """Leave a run with a model."""
    run = trackers.local.start_run(name, {"mltrain.session": "s", "mltrain.run_id": name})
    run.log_model(shutil.copytree(workspace.root / "model", workspace.run(run.id) / "model"))
    run.finish()
    return run.id


def _register(workspace: Workspace, run_id: str) -> registry.Version:
    """Make a champion of a run."""
    artefact = workspace.run(run_id) / "model"
    version = registry.add_version(
        workspace.registry,
        "churn",
        run_id=run_id,
        model="logistic_regression",
        artefact=artefact,
        manifest=files.sha256(artefact / "manifest.json"),
        documents=[],
    )
    registry.promote(workspace.registry, version, why="best")
    return version


def _send(trackers: Trackers, workspace: Workspace) -> None:
    sync(workspace.runs, trackers.name, trackers.settings)


def _there(remote: Tracker | None) -> dict[str, set[str]]:
    assert remote is not None
    return {v.run_id: set(v.aliases) for v in remote.versions("churn")}


def test_versions_made_while_the_tracker_was_away_are_added_once_and_in_order(
    trackers: Trackers, workspace: Workspace, elsewhere: _Watched
) -> None:
    later, sooner = _train(trackers, workspace, "later"), _train(trackers, workspace, "sooner")
    _register(workspace, sooner)
    _register(workspace, later)
    away = replace(trackers, remote=None, warnings=("it is away",))
    assert tell_registry(away, workspace, "churn").warnings == ("not registered: it is away",)
    _send(trackers, workspace)

    told = tell_registry(trackers, workspace, "churn")
    again = tell_registry(trackers, workspace, "churn")

    assert (told.added, told.champion, told.warnings) == ({"1": "1", "2": "2"}, "2", ())
    assert (again.added, again.champion) == ({}, "2")
    assert _there(elsewhere) == {"sooner": set(), "later": {"champion"}}
    assert elsewhere.changes == ["register", "register", "set_alias"]
    assert is_told(workspace, "local", "churn", mode="local")


@pytest.mark.parametrize("refused", ["register", "set_alias"])
def test_what_is_refused_waits_and_nothing_is_added_twice(
    trackers: Trackers, workspace: Workspace, elsewhere: _Watched, refused: str
) -> None:
    _register(workspace, _train(trackers, workspace, "run"))
    _send(trackers, workspace)
    elsewhere.refuses = refused

    (warning,) = tell_registry(trackers, workspace, "churn").warnings

    assert "out of order" in warning
    assert "mltrain runs sync" in warning
    assert not is_told(workspace, "local", "churn", mode="local")
    elsewhere.refuses = ""
    assert tell_registry(trackers, workspace, "churn").champion == "1"
    assert elsewhere.changes == ["register", "set_alias"]


def test_a_version_whose_note_was_lost_is_found_by_its_run(
    trackers: Trackers, workspace: Workspace, elsewhere: _Watched
) -> None:
    _register(workspace, _train(trackers, workspace, "run"))
    _send(trackers, workspace)
    tell_registry(trackers, workspace, "churn")
    (note,) = workspace.tracker("local").rglob("churn.online.json")
    note.write_text("cut sh")

    told = tell_registry(trackers, workspace, "churn")

    assert (told.added, told.champion, told.warnings) == ({}, "1", ())
    assert elsewhere.changes.count("register") == 1


def test_a_run_that_has_not_arrived_is_not_registered_yet(
    trackers: Trackers, workspace: Workspace, elsewhere: _Watched
) -> None:
    _register(workspace, _train(trackers, workspace, "run"))

    (warning,) = tell_registry(trackers, workspace, "churn").warnings

    assert "has not got run run yet" in warning
    assert elsewhere.changes == []


def test_a_rollback_moves_the_champion_back(trackers: Trackers, workspace: Workspace, elsewhere: _Watched) -> None:
    for name in ("one", "two"):
        _register(workspace, _train(trackers, workspace, name))
    _send(trackers, workspace)
    tell_registry(trackers, workspace, "churn")
    registry.roll_back(workspace.registry, "churn", why="worse")

    told = tell_registry(trackers, workspace, "churn")

    assert told.champion == "1"
    assert _there(elsewhere) == {"one": {"champion"}, "two": set()}
