"""Comet with a server: experiments are written by its client and read through its API."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from pathlib import Path
from typing import Any

from mltrain import files
from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import ModelVersion, Run, RunInfo, TrackerSettings
from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.comet.faults import as_tracker_errors
from mltrain.tracking.comet.journal import JOURNAL
from mltrain.tracking.comet.keys import experiment_key
from mltrain.tracking.comet.listing import Project
from mltrain.tracking.comet.opening import start_experiment
from mltrain.tracking.comet.reading import history_of, info_of
from mltrain.tracking.comet.registry import OnlineRegistry
from mltrain.tracking.comet.run import CometRun, quiet_config
from mltrain.tracking.comet.stored import Stored, is_plain, sha256_of, stored_files
from mltrain.tracking.comet.verification import Logged, wait_for
from mltrain.tracking.names import checked_name, inside


class OnlineTracker:
    """One project of one workspace at a Comet server."""

    name = "comet_ml"
    mode = "online"

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings

    @cached_property
    def _api(self) -> Any:
        """The client of the REST API; its cache would return stale runs."""
        with as_tracker_errors("open the API"):
            return import_comet().API(cache=False)

    @cached_property
    def _workspace(self) -> str:
        """The workspace of the config, else the one of the key's owner."""
        with as_tracker_errors("find the workspace"):
            return str(self._settings.workspace or self._api.get_default_workspace())

    @cached_property
    def _registry(self) -> OnlineRegistry:
        status = self._settings.options.get("champion_status", "Production")
        return OnlineRegistry(self._api, self._workspace, champion_status=str(status or ""))

    def start_run(self, name: str, tags: Mapping[str, str] | None = None) -> Run:
        """Create an experiment under a key of our own: without one, a wrong API key would pass in silence.

        One that an earlier attempt created is taken.
        """
        run = self._open(experiment_key(tags or {}), mode="get_or_create", name=name)
        run.set_tags(tags or {})
        return run

    def resume_run(self, run_id: str) -> Run:
        """Open an existing experiment."""
        experiment = self._experiment(run_id)
        with as_tracker_errors("list files"):
            held = stored_files(experiment)
        return self._open(run_id, mode="get", name=None, held=held)

    def list_runs(self, tags: Mapping[str, str] | None = None, *, limit: int = 100) -> Sequence[RunInfo]:
        """Ask which experiments carry the tags, then for the values of a hundred of them at once."""
        with as_tracker_errors("list runs"):
            return Project(self._api, self._workspace, self._settings.project).runs(tags or {}, limit=limit)

    def get_run(self, run_id: str) -> RunInfo:
        """Ask for one experiment."""
        experiment = self._experiment(run_id)
        with as_tracker_errors("read a run"):
            return info_of(experiment)

    def metric_history(self, run_id: str, metric: str) -> Sequence[tuple[int | None, float]]:
        """Ask for one metric of an experiment."""
        experiment = self._experiment(run_id)
        with as_tracker_errors("read a metric"):
            return history_of(experiment, metric)

    def fetch_file(self, run_id: str, name: str, dest: Path) -> Path:
        """Download an asset."""
        experiment, wanted = self._experiment(run_id), checked_name(name).as_posix()
        with as_tracker_errors("fetch a file"):
            assets = [a for a in experiment.get_asset_list() or () if a.get("fileName") == wanted]
            plain = [a for a in assets if is_plain(a)]
            if not plain:
                raise NoRunError(f"run '{run_id}' has no file '{name}'", where=experiment.url)
            newest = max(plain, key=lambda a: int(a.get("createdAt") or 0))
            content = experiment.get_asset(newest["assetId"], return_type="binary")
            if sha256_of(newest) not in ("", hashlib.sha256(content).hexdigest()):
                raise TrackerError(f"what comet sent as '{name}' is not what was logged", where=experiment.url)
            files.write_bytes(dest, content)
        return dest

    def fetch_model(self, run_id: str, dest: Path, name: str = "model") -> Path:
        """Download a model as one zip file and unpack it."""
        experiment = self._experiment(run_id)
        with as_tracker_errors("fetch a model"), tempfile.TemporaryDirectory() as folder:
            if name not in (experiment.get_model_names() or ()):
                raise NoRunError(f"run '{run_id}' has no model '{name}'", where=experiment.url)
            experiment.download_model(name, output_path=folder, expand=False)
            return _unpack(Path(folder), dest)

    def register(
        self, run_id: str, registry_name: str, *, model: str = "model", tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Register the experiment's model under the next version."""
        experiment = self._experiment(run_id)
        with as_tracker_errors("register a model"):
            if model not in (experiment.get_model_names() or ()):
                raise NoRunError(f"run '{run_id}' has no model '{model}'", where=experiment.url)
            return self._registry.add(experiment, registry_name, model=model, tags=tags or {})

    def set_alias(self, registry_name: str, alias: str, version: str) -> None:
        """Move a tag of the registry."""
        with as_tracker_errors("move an alias"):
            self._registry.set_alias(registry_name, alias, version)

    def get_alias(self, registry_name: str, alias: str) -> ModelVersion | None:
        """Return the newest version that carries a tag."""
        with as_tracker_errors("read an alias"):
            return self._registry.get_alias(registry_name, alias)

    def versions(self, registry_name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first."""
        with as_tracker_errors("read versions"):
            return self._registry.versions(registry_name)

    def fetch_version(self, registry_name: str, version: str, dest: Path) -> Path:
        """Download the files of a version as one zip file and unpack it."""
        with as_tracker_errors("fetch a version"), tempfile.TemporaryDirectory() as folder:
            self._registry.download(registry_name, version, Path(folder))
            return _unpack(Path(folder), dest)

    def close(self) -> None:
        """Hold nothing, release nothing."""

    def _open(self, key: str, *, mode: str, name: str | None, held: Set[Stored] = frozenset()) -> CometRun:
        """Open an experiment and make sure that it is alive."""
        self._settings.directory.mkdir(parents=True, exist_ok=True)
        with as_tracker_errors("start a run"):
            experiment = start_experiment(
                online=True,
                mode=mode,
                experiment_key=key,
                workspace=self._settings.workspace,
                project_name=self._settings.project,
                experiment_config=quiet_config(self._settings.directory / JOURNAL, name),
            )
        if not experiment.alive:
            raise TrackerError("comet started a run that is dead", hint="check COMET_API_KEY")

        def find_missing(logged: Logged) -> list[str]:
            return wait_for(logged, lambda: self._api.get_experiment_by_key(key))

        return CometRun(experiment, url=str(experiment.url), find_missing=find_missing, held=held)

    def _experiment(self, run_id: str) -> Any:
        """Return the API's view of one experiment."""
        with as_tracker_errors("find a run"):
            found = self._api.get_experiment_by_key(run_id)
        if found is None:
            raise NoRunError(f"no run '{run_id}' at comet", hint="see 'mltrain runs ls'")
        return found


def _unpack(folder: Path, dest: Path) -> Path:
    """Unpack the one zip file of a folder; every name in it is checked before it is joined."""
    (path,) = folder.glob("*.zip")
    with files.atomic_directory(dest) as partial, zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                target = inside(partial, member.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    return dest
