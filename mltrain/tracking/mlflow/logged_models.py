"""Models as MLflow 3 keeps them: logged models, which are outputs of a run and become versions of a registered model.

What was logged lies in the folder ``data`` of a logged model; MLflow's own documents lie beside it. One that a crash
left half sent is taken up again; one that is whole, and made from the same files, is not sent again.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mltrain import files
from mltrain.errors import NoRunError
from mltrain.tracking.training import MANIFEST

DATA = "data"
LOGGED_AS = "mltrain.logged_as"

_MANIFEST_FILE = "manifest.json"  # of an artefact; it has the hash of every other file
_READY = "READY"
_BY_ID = "models:/"


class LoggedModels:
    """The logged models of one server or database.

    Parameters
    ----------
    uri : str
        Its address.
    """

    def __init__(self, client: Any, uri: str) -> None:
        self._client = client
        self._uri = uri

    def log(self, run: Any, directory: Path, name: str) -> None:
        """Log a directory as a model of a run.

        Parameters
        ----------
        run : mlflow.entities.Run
        name : str
            The name under which `find` finds it; MLflow shows the run's.
        """
        from mltrain.tracking.mlflow.flavor import write_documents  # pandas and the model's libraries: seconds

        manifest = _manifest_of(directory)
        found = self._of_run(run, name)
        if found is not None and _is_whole(found) and manifest and found.tags.get(MANIFEST) == manifest:
            return
        model = found or self._create(run, name)
        with tempfile.TemporaryDirectory() as scratch:
            write_documents(directory, Path(scratch), run_id=run.info.run_id, model_id=model.model_id)
            self._client.log_model_artifacts(model.model_id, scratch)
        self._client.log_model_artifacts(model.model_id, str(directory), DATA)
        if manifest:
            self._client.set_logged_model_tags(model.model_id, {MANIFEST: manifest})
        self._client.finalize_logged_model(model.model_id, _READY)

    def link(self, run: Any, metrics: Sequence[Any]) -> None:
        """Say that metrics of a run are its models' too: the same points once more, with the model's id.

        Parameters
        ----------
        metrics : sequence of mlflow.entities.Metric
            As they were logged to the run.
        """
        from mlflow import entities

        run_id = run.info.run_id
        for output in run.outputs.model_outputs if run.outputs is not None else ():
            linked = [
                entities.Metric(m.key, m.value, m.timestamp, m.step, model_id=output.model_id, run_id=run_id)
                for m in metrics
            ]
            self._client.log_batch(run_id, metrics=linked)

    def find(self, run: Any, name: str) -> Any:
        """Return a model of a run.

        Raises
        ------
        mltrain.errors.NoRunError
            The run has none of that name, or it has not arrived as a whole.
        """
        found = self._of_run(run, name)
        if found is None or not _is_whole(found):
            raise NoRunError(f"run '{run.info.run_id}' has no model '{name}' in mlflow")
        return found

    def register(self, model: Any, registry_name: str, *, tags: Mapping[str, str]) -> Any:
        """Make a model the next version of a registered one."""
        with _as_default(self._uri):
            return self._client.create_model_version(
                registry_name,
                source=f"{_BY_ID}{model.model_id}",
                run_id=model.source_run_id,
                model_id=model.model_id,
                tags=dict(tags),
            )

    def of_version(self, version: Any) -> Any:
        """Return the model that a registered version was made of.

        Raises
        ------
        mltrain.errors.NoRunError
            It was not made of a logged model.
        """
        if not version.source.startswith(_BY_ID):
            what = f"version {version.version} of '{version.name}' was not made by mltrain"
            raise NoRunError(what, where=str(version.source))
        return self._client.get_logged_model(version.source.removeprefix(_BY_ID))

    def download(self, model: Any, dest: Path) -> Path:
        """Copy what was logged, without MLflow's documents."""
        from mlflow import artifacts

        with tempfile.TemporaryDirectory() as folder:
            source = artifacts.download_artifacts(
                artifact_uri=f"{model.artifact_location}/{DATA}", dst_path=folder, tracking_uri=self._uri
            )
            with files.atomic_directory(dest) as partial:
                shutil.copytree(source, partial, dirs_exist_ok=True)
        return dest

    def _of_run(self, run: Any, name: str) -> Any:
        """Return the model that was logged last under a name; None when there is none."""
        outputs = run.outputs.model_outputs if run.outputs is not None else ()
        models = [self._client.get_logged_model(output.model_id) for output in outputs]
        return next((m for m in reversed(models) if m.tags.get(LOGGED_AS) == name), None)

    def _create(self, run: Any, name: str) -> Any:
        from mlflow import entities

        model = self._client.create_logged_model(
            run.info.experiment_id,
            name=re.sub(r"""[/:.%"']""", "_", run.info.run_name or name),
            source_run_id=run.info.run_id,
            tags={LOGGED_AS: name},
            params=dict(run.data.params),
        )
        self._client.log_outputs(run.info.run_id, [entities.LoggedModelOutput(model.model_id, step=0)])
        return model


@contextmanager
def _as_default(uri: str) -> Iterator[None]:
    """Let MLflow take an address as the one to ask; a local store looks for models there, not at the client's."""
    name, before = "MLFLOW_TRACKING_URI", os.environ.get("MLFLOW_TRACKING_URI")
    os.environ[name] = uri
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _is_whole(model: Any) -> bool:
    return str(getattr(model.status, "name", model.status)) == _READY


def _manifest_of(directory: Path) -> str:
    """Return the hash of an artefact's manifest; empty for a directory that is none."""
    path = directory / _MANIFEST_FILE
    return files.sha256(path) if path.is_file() else ""
