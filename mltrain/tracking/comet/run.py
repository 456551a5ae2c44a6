"""The write side of one Comet experiment, online or offline."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from mltrain.errors import TrackerError
from mltrain.tracking import Scalar
from mltrain.tracking.comet import git
from mltrain.tracking.comet.archives import STATUS, TAG_PARAM
from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.comet.faults import LossListener, as_tracker_errors
from mltrain.tracking.comet.stored import Kind, Stored, proof_of
from mltrain.tracking.comet.verification import Logged
from mltrain.tracking.names import as_text, checked_name
from mltrain.tracking.training import PATCH_FILE

logger = logging.getLogger(__name__)

CONFUSION_MATRIX = "confusion_matrix.json"


def quiet_config(directory: Path, name: str | None) -> Any:
    """Return an experiment config that logs what it is given and looks at nothing by itself."""
    return import_comet().ExperimentConfig(
        offline_directory=str(directory),
        name=name,
        log_code=False,
        log_graph=False,
        parse_args=False,
        display_summary_level=0,
        log_git_metadata=False,
        log_git_patch=False,
        log_env_details=False,
        log_env_gpu=False,
        log_env_cpu=False,
        log_env_host=False,
        log_env_network=False,
        log_env_disk=False,
        auto_output_logging=False,
        auto_param_logging=False,
        auto_metric_logging=False,
        auto_log_co2=False,
    )


class CometRun:
    """One open experiment.

    Parameters
    ----------
    experiment : comet_ml.CometExperiment
        As ``comet_ml.start`` gave it, alive.
    find_missing : callable
        Names what the server, or the archive, does not hold of what was logged; asked once the experiment has ended.
    held : set of Stored
        Files that are there already and need not be sent.
    """

    def __init__(
        self,
        experiment: Any,
        *,
        url: str | None,
        find_missing: Callable[[Logged], list[str]],
        held: Set[Stored] = frozenset(),
    ) -> None:
        self.id = str(experiment.get_key())
        self.url = url
        self._experiment = experiment
        self._lock = threading.Lock()
        self._listener = LossListener()
        self._listener.__enter__()
        self._find_missing = find_missing
        self._held = held
        self._logged = Logged()
        self._is_finished = False

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        """Log parameters; booleans and None as text, since Comet has neither."""
        texts = {k: as_text(v) if isinstance(v, bool) or v is None else v for k, v in params.items()}
        if texts:
            with self._logging("log parameters"):
                self._logged.params.update(texts)
                self._experiment.log_parameters(texts)

    def log_metrics(
        self,
        metrics: Mapping[str, float],
        step: int | None = None,
        *,
        time_ms: int | None = None,  # noqa: ARG002 - the client notes the time at which it is handed a metric
    ) -> None:
        """Log metrics at a step."""
        finite = {k: float(v) for k, v in metrics.items() if math.isfinite(v)}
        with self._logging("log metrics"):
            # The step is a state of the experiment: a metric without one would inherit the last.
            self._experiment.curr_step = step
            for name, value in finite.items():
                self._logged.points[name, step, value] += 1
                self._experiment.log_metric(name, value)
            self._experiment.curr_step = None

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Log tags as "other" values, which have a name and can be queried, and as parameters, for `list_runs`."""
        with self._logging("set tags"):
            self._logged.tags.update(tags)
            self._logged.params.update(TAG_PARAM + name for name in tags)
            for name, value in tags.items():
                self._experiment.log_other(name, value)
            if tags:
                self._experiment.log_parameters({TAG_PARAM + name: value for name, value in tags.items()})
                git.log_state(self._experiment, tags)

    def log_file(self, path: Path, name: str) -> None:
        """Log a file as an asset; figures, confusion matrices and patches also as what Comet shows of them."""
        shown, proof = checked_name(name).as_posix(), proof_of(path)
        with self._logging("log a file"):
            if shown in self._logged.files:  # uploads run side by side: the older one may arrive last
                self._experiment.flush(timeout=30)
            self._logged.files[shown] = path.stat().st_size
            if not self._holds("asset", shown, proof):
                self._experiment.log_asset(str(path), file_name=shown, overwrite=True, metadata=proof)
                if shown == PATCH_FILE:
                    git.log_patch(self._experiment, path)
            if path.suffix == ".png" and not self._holds("image", shown, proof):
                self._experiment.log_image(str(path), name=shown, overwrite=True, metadata=proof)
            if path.name == CONFUSION_MATRIX:
                self._log_confusion_matrix(path, PurePosixPath(shown), proof)

    def log_model(self, directory: Path, name: str = "model") -> None:
        """Log a directory as a model, file by file: of a whole folder the client would add every file once more."""
        with self._logging("log a model"):
            own = self._logged.models.setdefault(name, {})
            for path in sorted(path for path in directory.rglob("*") if path.is_file()):
                shown, proof = path.relative_to(directory).as_posix(), proof_of(path)
                own[shown] = path.stat().st_size
                if not self._holds("model-element", shown, proof, model=name):
                    self._experiment.log_model(name, str(path), file_name=shown, overwrite=True, metadata=proof)

    def finish(self, status: Literal["finished", "failed"] = "finished") -> None:
        """End the experiment and raise what the client knows, or a second look finds, to be lost."""
        if self._is_finished:
            return
        self.set_tags({STATUS: status})
        self._is_finished = True
        with self._lock, as_tracker_errors("end a run"):
            self._experiment.end()
        self._listener.__exit__(None, None, None)
        archive = getattr(getattr(self._experiment, "streamer", None), "offline_archive_file", None)
        if archive and self.url:
            logger.info("comet keeps an archive of run %s at %s", self.id, archive)
        with as_tracker_errors(f"read back run {self.id}"):
            missing = self._find_missing(self._logged)
        if missing or self._listener.losses:
            raise TrackerError(
                f"comet lost part of run {self.id}: {_in_short([*missing, *self._listener.losses])}",
                where=self.url,
                hint="'mltrain runs sync' sends the rest from the local record",
            )

    def _holds(self, kind: Kind, name: str, proof: Mapping[str, str], *, model: str = "") -> bool:
        return Stored(kind=kind, name=name, model=model, **proof) in self._held

    def _log_confusion_matrix(self, path: Path, asset: PurePosixPath, proof: dict[str, str]) -> None:
        """Log a confusion matrix file as Comet's own kind as well; a file of another shape is only a file."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            labels, matrix = list(map(str, document["labels"])), document["matrix"]
        except (ValueError, KeyError, TypeError):
            return
        native = asset.with_name("confusion-matrix.json").as_posix()
        if not self._holds("confusion-matrix", native, proof):
            self._experiment.log_confusion_matrix(
                matrix=matrix, labels=labels, file_name=native, overwrite=True, metadata=proof
            )

    @contextmanager
    def _logging(self, what: str) -> Iterator[None]:
        """Hold the experiment, which is not safe to share between threads."""
        if self._is_finished:
            raise TrackerError(f"run {self.id} is finished", hint="open it again with resume_run")
        with self._lock, as_tracker_errors(what):
            yield


def _in_short(losses: list[str]) -> str:
    """Return the first few of many losses."""
    more = f" and {len(losses) - 3} more" if len(losses) > 3 else ""
    return ", ".join(losses[:3]) + more
