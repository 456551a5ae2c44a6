"""MLflow through its client alone: a tracking server, or an SQLite file in the tracker's folder.

A metric without a step is one at step 0: MLflow knows no other. Its import takes seconds, so only
`open_tracker` imports it.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from mltrain import files
from mltrain.errors import NoRunError, TrackerError
from mltrain.redaction import MASK, without_secrets
from mltrain.tracking import ModelVersion, Run, RunInfo, RunStatus, Tracker, TrackerSettings
from mltrain.tracking.mlflow.faults import OPTION, first_line, mlflow_error, opening
from mltrain.tracking.mlflow.logged_models import LoggedModels
from mltrain.tracking.mlflow.names import as_logged, key_of, own_tags
from mltrain.tracking.mlflow.run import MlflowRun
from mltrain.tracking.names import checked_name
from mltrain.tracking.training import began_ms

if find_spec("mlflow") is None:  # told when the name is resolved, long before training ends
    raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_STATUS: dict[str, RunStatus] = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "failed"}


def open_tracker(settings: TrackerSettings) -> Tracker:
    """Return the tracker of a server or, when none is named, of an SQLite file.

    The server is the option ``tracking_uri``, else the variable ``MLFLOW_TRACKING_URI``.

    Raises
    ------
    mltrain.errors.UsageError
        The address is of a kind that MLflow does not know, or its database driver is not installed.
    mltrain.errors.TrackerError
        The database cannot be opened.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    chosen = settings.options.get("tracking_uri") or os.environ.get("MLFLOW_TRACKING_URI")
    uri = str(chosen) if chosen else f"sqlite:///{(settings.directory / 'mlflow.db').absolute()}"
    settings.directory.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependencies, at import
        from mlflow import tracking
    for logger in ("alembic", "mlflow"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    with opening(uri, where=OPTION if settings.options.get("tracking_uri") else "MLFLOW_TRACKING_URI"):
        client = tracking.MlflowClient(tracking_uri=uri, registry_uri=uri)
    return MlflowTracker(client, uri, settings)


class MlflowTracker:
    """One experiment, named after the project, and the registry beside it."""

    name = "mlflow"

    def __init__(self, client: Any, uri: str, settings: TrackerSettings) -> None:
        self.mode = "server" if uri.startswith(("http", "databricks")) else uri.partition(":")[0]
        self._client = client
        self._uri = uri
        self._settings = settings
        self._models = LoggedModels(client, uri)
        self._experiment_id: str | None = None

    def _find_experiment(self) -> str | None:
        """Return the experiment's id, None when nothing was logged yet."""
        if self._experiment_id is None:
            found = self._client.get_experiment_by_name(self._settings.project)
            self._experiment_id = None if found is None else str(found.experiment_id)
        return self._experiment_id

    def _make_experiment(self) -> str:
        """Create the experiment; a local store keeps its files in the tracker's folder, not where we stand."""
        is_local = self.mode != "server"
        location = (self._settings.directory.absolute() / "artifacts").as_uri() if is_local else None
        try:
            return str(self._client.create_experiment(self._settings.project, artifact_location=location))
        except mlflow_error() as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self._client.get_experiment_by_name(self._settings.project).experiment_id)

    def start_run(self, name: str, tags: Mapping[str, str] | None = None) -> Run:
        """Create a run."""
        with self._calling("start a run"):
            experiment = self._find_experiment() or self._make_experiment()
            began = began_ms(tags or {}, otherwise=time.time_ns() // 1_000_000)
            created = self._client.create_run(experiment, start_time=began, run_name=name, tags=dict(tags or {}))
        return self._writer(created)

    def resume_run(self, run_id: str) -> Run:
        """Open an existing run; its status stays until it is finished again."""
        return self._writer(self._found(run_id))

    def list_runs(self, tags: Mapping[str, str] | None = None, *, limit: int = 100) -> Sequence[RunInfo]:
        """Search the experiment, as a rule by one request."""
        # A filter can quote with one sign or the other, not both; what it cannot say is checked below.
        sayable = {k: v for k, v in (tags or {}).items() if "`" not in k and not {"'", '"'} <= set(v)}
        query = " and ".join(f"tags.`{k}` = {_quoted(v)}" for k, v in sayable.items())
        infos: list[RunInfo] = []
        page: str | None = None
        with self._calling("list runs"):
            experiment = self._find_experiment()  # reading leaves no trace on a server
            while experiment is not None and len(infos) < limit:
                found = self._client.search_runs(
                    [experiment], query, max_results=limit, order_by=["attributes.start_time DESC"], page_token=page
                )
                infos += [i for i in map(self._info, found) if all(i.tags.get(k) == v for k, v in (tags or {}).items())]
                page = found.token
                if not page:
                    break
        return infos[:limit]

    def get_run(self, run_id: str) -> RunInfo:
        """Ask for one run."""
        return self._info(self._found(run_id))

    def metric_history(self, run_id: str, metric: str) -> Sequence[tuple[int | None, float]]:
        """Ask for one metric of a run."""
        self._found(run_id)
        with self._calling("read a metric"):
            points = self._client.get_metric_history(run_id, key_of(metric))
        return [(p.step, p.value) for p in sorted(points, key=lambda p: (p.timestamp, p.step))]

    def fetch_file(self, run_id: str, name: str, dest: Path) -> Path:
        """Download an artefact."""
        return self._download(run_id, checked_name(name), dest)

    def fetch_model(self, run_id: str, dest: Path, name: str = "model") -> Path:
        """Download the directory that was logged, without what MLflow needs beside it."""
        run = self._found(run_id)
        with self._calling("fetch a model"):
            return self._models.download(self._models.find(run, checked_name(name).as_posix()), dest)

    def register(
        self, run_id: str, registry_name: str, *, model: str = "model", tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Create the next version, which points at the run's logged model."""
        run = self._found(run_id)
        with self._calling("register a model"):
            logged = self._models.find(run, checked_name(model).as_posix())
            try:
                self._client.create_registered_model(registry_name)
            except mlflow_error() as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            created = self._models.register(logged, registry_name, tags=tags or {})
        return ModelVersion(name=registry_name, version=str(created.version), run_id=run_id, aliases=frozenset())

    def set_alias(self, registry_name: str, alias: str, version: str) -> None:
        """Move an alias, which MLflow does in one step."""
        self._version(registry_name, version)
        with self._calling("move an alias"):
            self._client.set_registered_model_alias(registry_name, alias, version)

    def get_alias(self, registry_name: str, alias: str) -> ModelVersion | None:
        """Return the holder of an alias."""
        return next((v for v in self.versions(registry_name) if alias in v.aliases), None)

    def versions(self, registry_name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first; the aliases come from the name, versions do not list theirs."""
        with self._calling("read versions"):
            try:
                aliases = self._client.get_registered_model(registry_name).aliases
            except mlflow_error() as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return []
                raise
            found = self._client.search_model_versions(f"name = '{registry_name}'")
        return [
            ModelVersion(
                name=registry_name,
                version=str(v.version),
                run_id=str(v.run_id),
                aliases=frozenset(a for a, held in aliases.items() if str(held) == str(v.version)),
            )
            for v in sorted(found, key=lambda v: int(v.version))
        ]

    def fetch_version(self, registry_name: str, version: str, dest: Path) -> Path:
        """Download the model that a version points at."""
        self._version(registry_name, version)
        with self._calling("fetch a version"):
            known = self._client.get_model_version(registry_name, version)
            return self._models.download(self._models.of_version(known), dest)

    def close(self) -> None:
        """Hold nothing, release nothing."""

    def _writer(self, run: Any) -> MlflowRun:
        url = self._url(run)
        return MlflowRun(self._client, run.info.run_id, url=url, models=self._models, calling=self._calling)

    def _info(self, run: Any) -> RunInfo:
        return RunInfo(
            id=run.info.run_id,
            name=run.info.run_name,
            status=_STATUS.get(run.info.status, "running"),
            started_ms=int(run.info.start_time),
            params=as_logged(run.data.params, run.data.tags),
            metrics=as_logged(run.data.metrics, run.data.tags),
            tags=own_tags(run.data.tags),
            url=self._url(run),
        )

    def _url(self, run: Any) -> str | None:
        if not self._uri.startswith("http"):
            return None
        page = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        return f"{without_secrets(self._uri).replace(f'{MASK}@', '').rstrip('/')}/{page}"

    def _found(self, run_id: str) -> Any:
        """Return MLflow's record of a run."""
        with self._calling("find a run"):
            try:
                return self._client.get_run(run_id)
            except mlflow_error() as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise NoRunError(f"no run '{run_id}' in mlflow", hint="see 'mltrain runs ls'") from None
                raise

    def _version(self, registry_name: str, version: str) -> ModelVersion:
        for known in self.versions(registry_name):
            if known.version == version:
                return known
        raise NoRunError(f"'{registry_name}' has no version {version!r} in mlflow")

    def _listed(self, run_id: str, path: PurePosixPath) -> Any:
        """Return the entry of an artefact."""
        parent = None if path.parent == PurePosixPath() else path.parent.as_posix()
        with self._calling("list files"):
            for entry in self._client.list_artifacts(run_id, parent):
                if entry.path == path.as_posix():
                    return entry
        raise NoRunError(f"run '{run_id}' has no '{path}' in mlflow")

    def _download(self, run_id: str, path: PurePosixPath, dest: Path) -> Path:
        """Download an artefact beside its destination, then give it the name."""
        self._found(run_id)
        entry = self._listed(run_id, path)
        with tempfile.TemporaryDirectory() as folder:
            with self._calling("fetch files"):
                source = Path(self._client.download_artifacts(run_id, path.as_posix(), folder))
            if entry.is_dir:
                with files.atomic_directory(dest) as partial:
                    shutil.copytree(source, partial, dirs_exist_ok=True)
            else:
                with files.atomic_path(dest) as partial:
                    shutil.copyfile(source, partial)
        return dest

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        """Turn what MLflow raises inside the block into a TrackerError."""
        try:
            yield
        except (mlflow_error(), OSError) as error:
            where, reason = without_secrets(self._uri), first_line(error)
            hint = "check the server; 'mltrain runs sync' sends what is spooled"
            raise TrackerError(f"mlflow could not {what}: {reason}", where=where, hint=hint) from None


def _quoted(value: str) -> str:
    """Return a value as a filter holds it."""
    return f'"{value}"' if "'" in value else f"'{value}'"
