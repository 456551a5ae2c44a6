"""The local tracker: every run a folder, every call a line in it. The record that all others are copied from.

``settings.directory`` is the folder of the runs; a run keeps its files under the names they were logged
with. The registry is one small JSON file a name in the folder of the option ``registry_dir``.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Literal

from mltrain import files
from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import ModelVersion, Run, RunInfo, Scalar, Tracker, TrackerSettings
from mltrain.tracking.json_registry import JsonRegistry
from mltrain.tracking.names import as_text, checked_name, inside
from mltrain.tracking.records import (
    FILE_NAME,
    Record,
    append_record,
    create_record_file,
    mend,
    read_records,
)
from mltrain.tracking.training import is_series


def open_tracker(settings: TrackerSettings) -> Tracker:
    """Return the local tracker over the folder of the runs."""
    chosen = settings.options.get("registry_dir")
    registry = Path(str(chosen)) if chosen else settings.directory.parent / "registry" / ".local"
    return LocalTracker(settings.directory, JsonRegistry(registry))


class LocalRun:
    """The write side of a run folder."""

    def __init__(self, directory: Path) -> None:
        self.id = directory.name
        self.url: str | None = None
        self._directory = directory
        self._lock = Lock()
        self._is_finished = False

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        """Append parameters."""
        self._append(Record(kind="params", values=dict(params)))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None, *, time_ms: int | None = None) -> None:
        """Append metrics; numbers that are not finite are left out."""
        finite: dict[str, Scalar] = {k: float(v) for k, v in metrics.items() if math.isfinite(v)}
        if finite:
            whole = None if step is None else int(step)
            self._append(Record(kind="metrics", values=finite, step=whole, time_ms=time_ms or 0))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Append tags."""
        self._append(Record(kind="tags", values=dict(tags)))

    def log_file(self, path: Path, name: str) -> None:
        """Copy a file into the run's folder, unless that is where it is."""
        target = inside(self._directory, name)
        if not _is_same(path, target):
            with files.atomic_path(target) as partial:
                shutil.copyfile(path, partial)
        self._append(Record(kind="file", name=checked_name(name).as_posix()))

    def log_model(self, directory: Path, name: str = "model") -> None:
        """Copy a directory into the run's folder, unless that is where it is."""
        target = inside(self._directory, name)
        if not _is_same(directory, target):
            with files.atomic_directory(target) as partial:
                shutil.copytree(directory, partial, dirs_exist_ok=True)
        self._append(Record(kind="model", name=checked_name(name).as_posix()))

    def finish(self, status: Literal["finished", "failed"] = "finished") -> None:
        """Append the end and see everything to the disk."""
        with self._lock:
            if not self._is_finished:
                append_record(self._directory / FILE_NAME, Record(kind="finish", status=status))
                self._is_finished = True

    def _append(self, record: Record) -> None:
        with self._lock:
            if self._is_finished:
                raise TrackerError(f"run '{self.id}' is finished", hint="open it again with resume_run")
            append_record(self._directory / FILE_NAME, record)


class LocalTracker:
    """Runs in a folder of folders, and a registry beside it."""

    name = "local"
    mode = "local"

    def __init__(self, runs: Path, registry: JsonRegistry) -> None:
        self._runs = runs
        self._registry = registry

    def start_run(self, name: str, tags: Mapping[str, str] | None = None) -> Run:
        """Make the run's folder, or take it when it holds no record yet; the id is the name, made unique."""
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-") or "run"
        run_id, count = wanted, 1
        while not create_record_file(self._runs / run_id / FILE_NAME):
            count += 1
            run_id = f"{wanted}-{count}"
        append_record(self._runs / run_id / FILE_NAME, Record(kind="start", name=name, values=dict(tags or {})))
        return LocalRun(self._runs / run_id)

    def resume_run(self, run_id: str) -> Run:
        """Open a run folder to append to its record."""
        directory = self._folder(run_id)
        mend(directory / FILE_NAME)
        return LocalRun(directory)

    def list_runs(self, tags: Mapping[str, str] | None = None, *, limit: int = 100) -> Sequence[RunInfo]:
        """Read the record of every run and keep those with the tags; without what has a point a trial or a second."""
        infos = [read_run(path.parent) for path in self._runs.glob(f"*/{FILE_NAME}")]
        wanted = (tags or {}).items()
        found = [i for i in infos if i is not None and all(i.tags.get(k) == v for k, v in wanted)]
        newest = sorted(found, key=lambda i: (i.started_ms, i.id), reverse=True)[:limit]
        return [replace(i, metrics={k: v for k, v in i.metrics.items() if not is_series(k)}) for i in newest]

    def get_run(self, run_id: str) -> RunInfo:
        """Read the record of one run."""
        info = read_run(self._folder(run_id))
        if info is None:
            raise _no_run(run_id)
        return info

    def metric_history(self, run_id: str, metric: str) -> Sequence[tuple[int | None, float]]:
        """Read one metric from the record."""
        records = read_records(self._folder(run_id) / FILE_NAME)
        points = [r for r in records if r.kind == "metrics" and metric in r.values]
        return [(r.step, float(r.values[metric] or 0.0)) for r in points]

    def fetch_file(self, run_id: str, name: str, dest: Path) -> Path:
        """Copy a logged file."""
        source = self._logged(run_id, name, kind="file")
        with files.atomic_path(dest) as partial:
            shutil.copyfile(source, partial)
        return dest

    def fetch_model(self, run_id: str, dest: Path, name: str = "model") -> Path:
        """Copy a logged directory."""
        source = self._logged(run_id, name, kind="model")
        with files.atomic_directory(dest) as partial:
            shutil.copytree(source, partial, dirs_exist_ok=True)
        return dest

    def register(
        self, run_id: str, registry_name: str, *, model: str = "model", tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Add a version that points at the run's model."""
        self._logged(run_id, model, kind="model")
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

    def _folder(self, run_id: str) -> Path:
        """Return the folder of an existing run."""
        directory = self._runs / run_id
        is_one_part = run_id not in ("", ".", "..") and Path(run_id).name == run_id
        if not is_one_part or not (directory / FILE_NAME).is_file():
            raise _no_run(run_id)
        return directory

    def _logged(self, run_id: str, name: str, *, kind: Literal["file", "model"]) -> Path:
        """Return the path of something that was logged and is still there."""
        directory = self._folder(run_id)
        path = inside(directory, name)
        known = {r.name for r in read_records(directory / FILE_NAME) if r.kind == kind}
        if checked_name(name).as_posix() not in known or not path.exists():
            raise NoRunError(f"run '{run_id}' has no {kind} '{name}'", where=str(path))
        return path


def read_run(directory: Path) -> RunInfo | None:
    """Summarise the record of a run folder; None when it does not hold a start yet."""
    start: Record | None = None
    status: Literal["running", "finished", "failed"] = "running"
    values: dict[str, dict[str, Scalar]] = {"params": {}, "metrics": {}, "tags": {}}
    for record in read_records(directory / FILE_NAME):
        if record.kind == "start":
            start = record
            values["tags"].update(record.values)
        elif record.kind == "finish":
            status = record.status or "finished"
        elif record.kind in values:
            values[record.kind].update(record.values)
    if start is None:
        return None
    return RunInfo(
        id=directory.name,
        name=start.name,
        status=status,
        started_ms=start.time_ms,
        params={k: as_text(v) for k, v in values["params"].items()},
        metrics={k: float(v or 0.0) for k, v in values["metrics"].items()},
        tags={k: as_text(v) for k, v in values["tags"].items()},
    )


def _is_same(path: Path, target: Path) -> bool:
    return target.exists() and path.resolve() == target.resolve()


def _no_run(run_id: str) -> NoRunError:
    return NoRunError(f"no run '{run_id}' in the local records", hint="see 'mltrain runs ls'")
