"""Comet without a server: runs are archives for ``comet upload``, and this side reads them back."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mltrain import files
from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import ModelVersion, Run, RunInfo, TrackerSettings
from mltrain.tracking.comet.archives import ArchivedRun, StoredFile, missing_from, read_archives, readable
from mltrain.tracking.comet.faults import as_tracker_errors
from mltrain.tracking.comet.index import archives_of, indexed_runs
from mltrain.tracking.comet.keys import experiment_key
from mltrain.tracking.comet.opening import start_experiment
from mltrain.tracking.comet.preflight import Mode
from mltrain.tracking.comet.run import CometRun, quiet_config
from mltrain.tracking.json_registry import JsonRegistry
from mltrain.tracking.names import checked_name, inside

_QUEUE_TIMEOUT_S = 0.05  # the poll interval that end() waits for, a second by default


class OfflineTracker:
    """Runs as archives in ``settings.directory``, and a registry of our own beside them."""

    name = "comet_ml"

    def __init__(self, settings: TrackerSettings, mode: Mode) -> None:
        self.mode: str = mode
        self._settings = settings
        self._directory = settings.directory
        self._registry = JsonRegistry(settings.directory / "registry")

    def start_run(self, name: str, tags: Mapping[str, str] | None = None) -> Run:
        """Start an experiment that is written to an archive; ``comet upload`` refuses it where it is already."""
        run = self._open(experiment_key(tags or {}), mode="create", name=name)
        run.set_tags(tags or {})
        return run

    def resume_run(self, run_id: str) -> Run:
        """Add to an experiment in a second archive."""
        self._archived(run_id)
        return self._open(run_id, mode="get", name=None)

    def list_runs(self, tags: Mapping[str, str] | None = None, *, limit: int = 100) -> Sequence[RunInfo]:
        """Look all archives up in their index and keep the runs with the tags."""
        wanted = (tags or {}).items()
        found = [i for i in indexed_runs(self._directory) if all(i.tags.get(k) == v for k, v in wanted)]
        return sorted(found, key=lambda i: (i.started_ms, i.id), reverse=True)[:limit]

    def get_run(self, run_id: str) -> RunInfo:
        """Read one run from its archives."""
        return self._archived(run_id).info()

    def metric_history(self, run_id: str, metric: str) -> Sequence[tuple[int | None, float]]:
        """Read one metric of a run."""
        return self._archived(run_id).history.get(metric, [])

    def fetch_file(self, run_id: str, name: str, dest: Path) -> Path:
        """Copy a logged file out of its archive."""
        wanted = checked_name(name).as_posix()
        found = [f for f in self._archived(run_id).files if f.model is None and f.name == wanted]
        if not found:
            raise NoRunError(f"run '{run_id}' has no file '{name}'", where=str(self._directory))
        _extract(found[-1], dest)
        return dest

    def fetch_model(self, run_id: str, dest: Path, name: str = "model") -> Path:
        """Copy a logged directory out of its archives."""
        found = [f for f in self._archived(run_id).files if f.model == name]
        if not found:
            raise NoRunError(f"run '{run_id}' has no model '{name}'", where=str(self._directory))
        with files.atomic_directory(dest) as partial:
            for stored in found:
                _extract(stored, inside(partial, stored.name))
        return dest

    def register(
        self, run_id: str, registry_name: str, *, model: str = "model", tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Add a version to our own registry: Comet has none without a server."""
        if not any(f.model == model for f in self._archived(run_id).files):
            raise NoRunError(f"run '{run_id}' has no model '{model}'", where=str(self._directory))
        return self._registry.add(registry_name, run_id, model=model, tags=tags or {})

    def set_alias(self, registry_name: str, alias: str, version: str) -> None:
        """Move an alias."""
        self._registry.set_alias(registry_name, alias, version)

    def get_alias(self, registry_name: str, alias: str) -> ModelVersion | None:
        """Return the holder of an alias."""
        return self._registry.get_alias(registry_name, alias)

    def versions(self, registry_name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first."""
        return self._registry.versions(registry_name)

    def fetch_version(self, registry_name: str, version: str, dest: Path) -> Path:
        """Copy the model that a version points at."""
        source = self._registry.source(registry_name, version)
        return self.fetch_model(source.run_id, dest, source.model)

    def close(self) -> None:
        """Hold nothing, release nothing."""

    def _open(self, key: str, *, mode: str, name: str | None) -> CometRun:
        """Open an experiment whose archive is made when it ends."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with as_tracker_errors("start an offline run"):
            experiment = start_experiment(
                online=False,
                mode=mode,
                experiment_key=key,
                workspace=self._settings.workspace,
                project_name=self._settings.project,
                experiment_config=quiet_config(self._directory, name),
            )
        if not experiment.alive:
            raise TrackerError("comet did not start an offline run", where=str(self._directory))
        experiment.streamer.queue_timeout = _QUEUE_TIMEOUT_S
        return CometRun(
            experiment,
            url=None,
            find_missing=lambda logged: missing_from(logged, self._read(key)),
        )

    def _read(self, key: str) -> ArchivedRun | None:
        """Read the archives of one experiment."""
        return read_archives(archives_of(self._directory, key)).get(key)

    def _archived(self, run_id: str) -> ArchivedRun:
        run = self._read(run_id)
        if run is None:
            raise NoRunError(f"no run '{run_id}' in comet's offline archives", where=str(self._directory))
        return run


def _extract(stored: StoredFile, dest: Path) -> None:
    """Copy one member of an archive to a path."""
    with (
        files.atomic_path(dest) as partial,
        readable(stored.archive),
        zipfile.ZipFile(stored.archive) as archive,
        archive.open(stored.member) as source,
        partial.open("wb") as target,
    ):
        shutil.copyfileobj(source, target)
