"""Whether an earlier session has trained what is asked for, on these rows, with these settings, for as long."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain.commands.train import TrainRequest
from mltrain.commands.train.session import allowed_s
from mltrain.config import Config
from mltrain.config.names import family_name
from mltrain.config.rendering import to_values
from mltrain.data.splits import current_split_record
from mltrain.plan import ENSEMBLE
from mltrain.tracking.local import read_run
from mltrain.tracking.records import FILE_NAME as RECORD
from mltrain.tracking.training import LEFT_OUT, MODEL, SESSION
from mltrain.workspace import Workspace

# Keys of the train section that change where runs go or how they are judged, not what is learnt.
_NOT_LEARNT = (
    "experiment_tracker", "tracker_options", "project_name", "workspace_name", "tags", "deployment_score_thresh",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftRun:
    """What a training left of one run; an ensemble has no trials of its own.

    Attributes
    ----------
    is_cut_short : bool
        The clock ended its search before its trials were through.
    allowed_s : float, optional
        What all families of its session together might take; None: no clock ran.
    """

    session: str
    model: str
    n_trials: int
    max_trials: int
    is_cut_short: bool
    allowed_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedSession:
    """A session that has what is asked for."""

    id: str
    runs: tuple[LeftRun, ...]

    def __str__(self) -> str:
        """Return in one phrase how far it came."""
        if not any(run.is_cut_short for run in self.runs):
            return f"complete in {self.id}"
        n_trials, max_trials = sum(run.n_trials for run in self.runs), sum(run.max_trials for run in self.runs)
        clock = next((f" in {run.allowed_s:g} s" for run in self.runs if run.allowed_s is not None), "")
        return f"{self.id} searched {n_trials} of {max_trials} trials{clock}; `mltrain train` goes on"


def trained_session(config: Config, workspace: Workspace, request: TrainRequest) -> TrainedSession | None:
    """Return the latest session that trained every model asked for, on these rows with these settings.

    With ``max_trials`` each family must have been given that many. A search that the clock ended before its trials
    were through serves who allows no more time. A family that a session went on without counts as done: training
    again would leave it out again.
    """
    asked = {str(family_name(m)) for m in request.models or config.train.supported_models}
    clock_s = allowed_s(config, request)
    sessions: dict[str, list[LeftRun]] = {}
    for run in _left_runs(config, workspace):
        if _serves(run, max_trials=request.max_trials, allowed_s=clock_s):
            sessions.setdefault(run.session, []).append(run)
    without = _left_out(workspace)
    complete = [
        TrainedSession(id=session, runs=tuple(runs))
        for session, runs in sessions.items()
        if _wanted(asked, config, without.get(session, set())) <= {run.model for run in runs}
    ]
    return max(complete, key=lambda session: session.id, default=None)


def _serves(run: LeftRun, *, max_trials: int | None, allowed_s: float | None) -> bool:
    """Say whether a search of so many trials in so much time would not go further than this run did."""
    if run.model == ENSEMBLE:
        return True
    if max_trials is not None and run.max_trials < max_trials:
        return False
    return not run.is_cut_short or _seconds(allowed_s) <= _seconds(run.allowed_s)


def _seconds(allowed_s: float | None) -> float:
    return math.inf if allowed_s is None else allowed_s


def _wanted(asked: set[str], config: Config, left_out: set[str]) -> set[str]:
    """Return the models that a session must hold: the families that can be trained, and their vote if they are two."""
    families = asked - {ENSEMBLE}
    if not families:
        return {ENSEMBLE}
    is_voted = len(families - left_out) > 1 and (config.train.ensemble or ENSEMBLE in asked)
    return (families - left_out) | ({ENSEMBLE} if is_voted else set())


def _left_out(workspace: Workspace) -> dict[str, set[str]]:
    """Return by session the families that it went on without."""
    found: dict[str, set[str]] = {}
    for path in sorted(workspace.runs.glob(f"*/{RECORD}")):
        info = read_run(path.parent)
        if info is not None and info.status == "failed" and LEFT_OUT in info.tags:
            found.setdefault(info.tags.get(SESSION, ""), set()).add(info.tags.get(MODEL, ""))
    return found


def _left_runs(config: Config, workspace: Workspace) -> Iterator[LeftRun]:
    """Yield the complete runs on the current split that were made with the same settings."""
    fingerprint = current_split_record(workspace.split_record, config).fingerprint
    learnt = _learnt(to_values(config))
    for path in sorted(workspace.runs.glob("*/run.json")):
        record = _read(path)
        if record is None or not (path.parent / "model").is_dir():
            continue
        if record["data"]["fingerprint"] == fingerprint and _learnt(record["config"]) == learnt:
            n_trials = record["n_trials"] or 0
            yield LeftRun(
                session=record["session"],
                model=record["model"],
                n_trials=n_trials,
                max_trials=record.get("max_trials") or n_trials,
                is_cut_short=bool(record.get("is_cut_short")),  # older records do not say
                allowed_s=record.get("allowed_s"),
            )


def _read(path: Path) -> dict[str, Any] | None:
    """Return the record of a run, None when it is not one."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    needed = ("session", "model", "n_trials", "config", "data")
    return record if isinstance(record, dict) and all(name in record for name in needed) else None


def _learnt(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that what is learnt depends on, besides the split."""
    train_settings = {k: v for k, v in config["train"].items() if k not in _NOT_LEARNT}
    return {"seed": config["seed"], "preprocessing": config["preprocessing"], "models": config["models"]} | {
        "train": train_settings
    }
