"""The tracker contract. Only commands (and the contract suite) import this package.

A tracker is one file (or package) registered under ``mltrain.trackers`` as ``open_tracker(settings) -> Tracker``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Scalar: TypeAlias = str | int | float | bool | None
RunStatus: TypeAlias = Literal["running", "finished", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerSettings:
    """What a tracker may know of the config.

    Attributes
    ----------
    directory : Path
        A folder of its own inside the workspace, for archives, databases and indexes.
    options : mapping
        Free settings of the tracker (``train.tracker_options``), such as ``tracking_uri`` for MLflow.
    """

    project: str
    workspace: str | None
    directory: Path
    options: Mapping[str, Scalar]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """A run as the tracker reports it; values of params are text, as trackers return them.

    Attributes
    ----------
    started_ms : int
        Milliseconds since 1970; a run that was sent later says by a tag when it began (`training.began_ms`).
    """

    id: str
    name: str | None
    status: RunStatus
    started_ms: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    """One immutable version of a registered model."""

    name: str
    version: str
    run_id: str
    aliases: frozenset[str]


@runtime_checkable
class Run(Protocol):
    """The write side of one run; safe to call from several threads."""

    id: str
    url: str | None

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        """Log parameters, once per name."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None, *, time_ms: int | None = None) -> None:
        """Log finite numbers; with a step they become a history.

        Parameters
        ----------
        time_ms : int, optional
            When they were measured, in milliseconds since 1970: now, when not given. A tracker whose client cannot say
            so leaves it out.
        """
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or overwrite tags, each at most 900 characters."""
        ...

    def log_file(self, path: Path, name: str) -> None:
        """Store a file under a relative posix name, replacing an earlier one."""
        ...

    def log_model(self, directory: Path, name: str = "model") -> None:
        """Store a whole directory, layout kept."""
        ...

    def finish(self, status: Literal["finished", "failed"] = "finished") -> None:
        """Flush, verify and close; idempotent.

        Raises
        ------
        mltrain.errors.TrackerError
            Something is known to be lost.
        """
        ...


@runtime_checkable
class Tracker(Protocol):
    """Both sides of an experiment tracker and its model registry."""

    name: str
    mode: str

    def start_run(self, name: str, tags: Mapping[str, str] | None = None) -> Run:
        """Start a run; raises TrackerError rather than return a dead one."""
        ...

    def resume_run(self, run_id: str) -> Run:
        """Open an existing run to add to it."""
        ...

    def list_runs(self, tags: Mapping[str, str] | None = None, *, limit: int = 100) -> Sequence[RunInfo]:
        """Return runs that carry all of ``tags``, newest first, at most ``limit``.

        Metrics that have a point for each trial, round or second may be left out (`training.is_series`).
        """
        ...

    def get_run(self, run_id: str) -> RunInfo:
        """Return one run; NoRunError when it is unknown."""
        ...

    def metric_history(self, run_id: str, metric: str) -> Sequence[tuple[int | None, float]]:
        """Return (step, value) in the order logged."""
        ...

    def fetch_file(self, run_id: str, name: str, dest: Path) -> Path:
        """Copy one logged file to ``dest`` (a path) and return it; NoRunError when there is none."""
        ...

    def fetch_model(self, run_id: str, dest: Path, name: str = "model") -> Path:
        """Copy a logged model directory to ``dest``; NoRunError when there is none."""
        ...

    def register(
        self, run_id: str, registry_name: str, *, model: str = "model", tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Register the run's model as the next version; never overwrites."""
        ...

    def set_alias(self, registry_name: str, alias: str, version: str) -> None:
        """Move an alias; at most one holder afterwards."""
        ...

    def get_alias(self, registry_name: str, alias: str) -> ModelVersion | None:
        """Return the version that holds the alias."""
        ...

    def versions(self, registry_name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first; empty when the name is unknown."""
        ...

    def fetch_version(self, registry_name: str, version: str, dest: Path) -> Path:
        """Copy the model directory of a version to ``dest``."""
        ...

    def close(self) -> None:
        """Release what the tracker holds; idempotent."""
        ...
