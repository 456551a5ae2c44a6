"""Comet's offline archives read as runs: plain zip files of JSON lines, one or more to an experiment.

An archive without ``experiment.json`` is the placeholder of a run that is open or was killed. Archives of
one experiment are merged in the order in which they were written. Which archives there are is `index`'s business.
"""

from __future__ import annotations

import json
import logging
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mltrain.errors import TrackerError
from mltrain.tracking import RunInfo, RunStatus
from mltrain.tracking.comet.verification import Logged
from mltrain.tracking.names import as_text
from mltrain.tracking.training import began_ms

logger = logging.getLogger(__name__)

STATUS = "mltrain.status"
OTHERS_OF_COMET = frozenset({"offline_experiment", "Name", STATUS})
METRICS_OF_COMET = frozenset({"process duration"})
PARAMS_OF_COMET = frozenset({"curr_step", "curr_epoch"})
# Tags are logged as parameters too: Comet hands out the parameters of many experiments at once, other values singly.
TAG_PARAM = "tag."


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file in an archive.

    Attributes
    ----------
    name : str
        The name it was logged under; relative to its model for a model's file.
    model : str, optional
        The model it belongs to.
    """

    archive: Path
    member: str
    name: str
    model: str | None


@dataclass(kw_only=True, slots=True)
class ArchivedRun:
    """What the archives of one experiment add up to."""

    id: str
    started_ms: int
    params: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[tuple[int | None, float]]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)

    def info(self) -> RunInfo:
        """Return the run as the protocol describes it."""
        return archived_info(
            self.id, started_ms=self.started_ms, params=self.params, metrics=self.last_values(), others=self.others
        )

    def last_values(self) -> dict[str, float]:
        """Return the newest value of each metric."""
        return {name: points[-1][1] for name, points in self.history.items()}


def archived_info(
    key: str, *, started_ms: int, params: Mapping[str, str], metrics: Mapping[str, float], others: Mapping[str, str]
) -> RunInfo:
    """Return what archives say of an experiment as the protocol describes a run."""
    status: RunStatus = "failed" if others.get(STATUS) == "failed" else "finished"
    return RunInfo(
        id=key,
        name=others.get("Name"),
        status=status,
        started_ms=began_ms(others, otherwise=started_ms),
        params=own_params(params),
        metrics=metrics,
        tags={k: v for k, v in others.items() if k not in OTHERS_OF_COMET},
    )


def own_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that a run logged, without Comet's own and without its tags."""
    return {k: v for k, v in params.items() if k not in PARAMS_OF_COMET and not k.startswith(TAG_PARAM)}


def read_archives(paths: Iterable[Path]) -> dict[str, ArchivedRun]:
    """Return the runs of archives, which come in the order they were written, by experiment key."""
    runs: dict[str, ArchivedRun] = {}
    for path in paths:
        try:
            with zipfile.ZipFile(path) as archive:
                if "experiment.json" in archive.namelist():
                    _read_archive(archive, path, runs)
        except (zipfile.BadZipFile, ValueError, KeyError, OSError) as error:
            logger.warning("archive %s is unreadable and left out: %s", path.name, error)
    return runs


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a broken archive, or one that has gone, raises inside the block into a TrackerError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, FileNotFoundError) as error:
        reason = str(error) or type(error).__name__
        raise TrackerError(f"comet's archive '{path.name}' is unreadable: {reason}", where=str(path)) from error


def missing_from(logged: Logged, run: ArchivedRun | None) -> list[str]:
    """Name what the archives lack of what was logged; a full disk is something that the client only mentions."""
    if run is None:
        return ["all of it: the archive is not whole"]
    held = Logged(
        points=Counter((name, step, value) for name, points in run.history.items() for step, value in points),
        params=set(run.params),
        tags=run.others,
        files={f.name: None for f in run.files if f.model is None},
    )
    for file in run.files:
        if file.model is not None:
            held.models.setdefault(file.model, {})[file.name] = None
    return logged.missing_from(held)


def _read_archive(archive: zipfile.ZipFile, path: Path, runs: dict[str, ArchivedRun]) -> None:
    """Add what one archive holds to its run."""
    experiment = json.loads(archive.read("experiment.json"))
    key, started_ms = str(experiment["offline_id"]), int(experiment.get("start_time") or 0)
    run = runs.setdefault(key, ArchivedRun(id=key, started_ms=started_ms))
    run.started_ms = min(run.started_ms, started_ms)
    for message in _messages(archive):
        _add(message, path, run)


def _messages(archive: zipfile.ZipFile) -> Iterator[Mapping[str, Any]]:
    """Yield the messages that can be read; the last line may be cut short."""
    for line in archive.read("messages.json").splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and isinstance(message.get("payload"), dict):
            yield message


def _add(message: Mapping[str, Any], path: Path, run: ArchivedRun) -> None:
    """Add one message to its run."""
    payload = message["payload"]
    match message.get("type"):
        case "metric_msg":
            metric = payload["metric"]
            if metric["metricName"] not in METRICS_OF_COMET:
                point = (metric.get("step"), float(metric["metricValue"]))
                run.history.setdefault(metric["metricName"], []).append(point)
        case "parameter_msg":
            param = payload.get("param") or payload.get("params")
            if param and param.get("source") != "auto-logged" and param["paramName"] not in PARAMS_OF_COMET:
                run.params[param["paramName"]] = as_text(param.get("paramValue"))
        case "log_other":
            run.others[str(payload["key"])] = as_text(payload["value"])
        case "file_upload":
            _add_file(payload, path, run)


def _add_file(payload: Mapping[str, Any], path: Path, run: ArchivedRun) -> None:
    """Note an asset or a model's file; one logged again under its name replaces the first."""
    more = payload.get("additional_params") or {}
    if payload.get("upload_type") not in ("asset", "model-element") or not more.get("fileName"):
        return
    is_model = payload["upload_type"] == "model-element"
    stored = StoredFile(
        archive=path,
        member=str(payload["file_path"]),
        name=str(more["fileName"]),
        model=str(more.get("groupingName") or "") if is_model else None,
    )
    run.files = [f for f in run.files if (f.name, f.model) != (stored.name, stored.model)]
    run.files.append(stored)
