"""The write side of one MLflow run. Points are collected and sent many in a request."""

from __future__ import annotations

import math
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from mltrain.errors import TrackerError
from mltrain.tracking import Scalar
from mltrain.tracking.mlflow.logged_models import LoggedModels
from mltrain.tracking.mlflow.names import key_of, notes_on
from mltrain.tracking.names import as_text, checked_name

_N_POINTS = 500  # in one request; MLflow refuses more than 1000
_N_ENTRIES = 100
_FLUSH_S = 2.0


class MlflowRun:
    """One open run.

    Parameters
    ----------
    models : LoggedModels
        Where models go.
    calling : callable
        Context in which MLflow is called, given what is being done: turns its errors into ours.
    """

    def __init__(
        self,
        client: Any,
        run_id: str,
        *,
        url: str | None,
        models: LoggedModels,
        calling: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self.id = run_id
        self.url = url
        self._client = client
        self._models = models
        self._calling = calling
        self._lock = threading.Lock()
        self._points: list[Any] = []
        self._finals: dict[str, Any] = {}  # points without a step, by name
        self._noted: set[str] = set()
        self._flushed_s = time.monotonic()
        self._is_finished = False

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        """Log parameters; MLflow refuses to change one."""
        from mlflow import entities

        sent = [entities.Param(key_of(k), as_text(v)) for k, v in params.items()]
        with self._writing("log parameters"):
            self._note_names(params)
            for start in range(0, len(sent), _N_ENTRIES):
                self._client.log_batch(self.id, params=sent[start : start + _N_ENTRIES])

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None, *, time_ms: int | None = None) -> None:
        """Collect points; they are sent when there are many or the last ones are some seconds old."""
        from mlflow import entities

        at_ms = time.time_ns() // 1_000_000 if time_ms is None else time_ms
        finite = {k: float(v) for k, v in metrics.items() if math.isfinite(v)}
        with self._writing("log metrics"):
            self._note_names(finite)
            points = [entities.Metric(key_of(k), v, at_ms, step or 0) for k, v in finite.items()]
            self._points += points
            if step is None:
                self._finals |= {point.key: point for point in points}
            if len(self._points) >= _N_POINTS or time.monotonic() - self._flushed_s > _FLUSH_S:
                self._flush()

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        with self._writing("set tags"):
            self._send_tags(tags)

    def log_file(self, path: Path, name: str) -> None:
        """Log an artefact under its name, which need not be the file's own."""
        target = checked_name(name)
        folder = None if target.parent == PurePosixPath() else target.parent.as_posix()
        with self._writing("log a file"), tempfile.TemporaryDirectory() as scratch:
            source = path
            if path.name != target.name:
                source = Path(shutil.copyfile(path, Path(scratch) / target.name))
            self._client.log_artifact(self.id, str(source), folder)

    def log_model(self, directory: Path, name: str = "model") -> None:
        """Log a directory as a model that MLflow can load."""
        shown = checked_name(name).as_posix()
        with self._writing("log a model"):
            run = self._client.get_run(self.id)
            self._models.log(run, directory, shown)

    def finish(self, status: Literal["finished", "failed"] = "finished") -> None:
        """Send what is collected, say which metrics are its models', and end the run."""
        if self._is_finished:
            return
        with self._writing("end a run"):
            self._flush()
            if self._finals:
                self._models.link(self._client.get_run(self.id), list(self._finals.values()))
            self._client.set_terminated(self.id, "FINISHED" if status == "finished" else "FAILED")
            self._is_finished = True

    def _note_names(self, names: Iterable[str]) -> None:
        """Say what names were that MLflow does not take, before anything arrives under the changed ones."""
        new = {k: v for k, v in notes_on(names).items() if k not in self._noted}
        self._send_tags(new)
        self._noted |= new.keys()

    def _send_tags(self, tags: Mapping[str, str]) -> None:
        from mlflow import entities

        sent = [entities.RunTag(k, v) for k, v in tags.items()]
        for start in range(0, len(sent), _N_ENTRIES):
            self._client.log_batch(self.id, tags=sent[start : start + _N_ENTRIES])

    def _flush(self) -> None:
        """Send the collected points."""
        while self._points:
            self._client.log_batch(self.id, metrics=self._points[:_N_POINTS])
            self._points = self._points[_N_POINTS:]
        self._flushed_s = time.monotonic()

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """Hold the run and call MLflow."""
        if self._is_finished:
            raise TrackerError(f"run {self.id} is finished", hint="open it again with resume_run")
        with self._lock, self._calling(what):
            yield
