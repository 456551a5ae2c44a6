"""`mltrain run`: split, train, evaluate, register; what is up to date is skipped, a refusal ends it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain import registry
from mltrain.commands.evaluate import EvaluateResult, evaluate
from mltrain.commands.register import RegisterResult, register
from mltrain.commands.split import SplitResult, split
from mltrain.commands.train import TrainRequest, TrainResult, train
from mltrain.config import Config
from mltrain.config.names import family_name
from mltrain.config.rendering import to_values
from mltrain.data.splits import current_split_record
from mltrain.events import Listener, Notice, ignore
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
class RunResult:
    """The results of the four steps; None for a step that was skipped or not reached.

    Attributes
    ----------
    registered_version : str, optional
        Version of the evaluated run, made now or earlier; None when it is not registered.
    skipped : tuple of str
        Steps that had nothing to do, and why.
    seconds : float
        Since the process started, where the request says when that was.
    """

    split: SplitResult
    train: TrainResult | None
    evaluate: EvaluateResult
    register: RegisterResult | None
    registered_version: str | None
    skipped: tuple[str, ...]
    seconds: float

    @property
    def is_up_to_date(self) -> bool:
        """Whether no step had anything to do."""
        return (
            self.split.unchanged
            and self.train is None
            and self.evaluate.reused
            and self.register is None
            and (self.registered_version is not None)
        )

    @property
    def exit_code(self) -> int:
        """4 when the gate or the comparison with the champion said no."""
        return self.evaluate.exit_code or (self.register.exit_code if self.register else 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _LeftRun:
    """What an earlier training left of one run."""

    session: str
    model: str
    n_trials: int | None


def run(
    config: Config,
    workspace: Workspace,
    *,
    request: TrainRequest = TrainRequest(),  # noqa: B008 - frozen
    strict: bool = False,
    listener: Listener = ignore,
) -> RunResult:
    """Take the table of the config to a registered champion.

    Parameters
    ----------
    request : TrainRequest
        What `train` is asked for; its budget counts from process start, the split included.
    strict : bool
        Warnings of the audit stop the run.

    Raises
    ------
    mltrain.errors.MltrainError
        Whatever a step raises; what earlier steps left stays.
    """
    started = time.monotonic() if request.started_at is None else request.started_at
    skipped: list[str] = []

    def skip(why: str) -> None:
        skipped.append(why)
        listener(Notice(message=why, level="info"))

    split_result = split(config, workspace, strict=strict, listener=listener)
    if split_result.unchanged:
        skip("split: unchanged")
    train_result = None
    session = None if request.fresh else trained_session(config, workspace, request)
    if session is None:
        train_result = train(config, workspace, request=request, listener=listener)
    else:
        skip(f"train: complete in {session}")
    evaluate_result = evaluate(config, workspace, listener=listener)
    if evaluate_result.reused:
        skip("evaluate: unchanged")
    register_result = None
    known = _registered(config, workspace, evaluate_result.champion.run_id)
    if known is not None:
        skip(f"register: the run is version {known} already")
    elif evaluate_result.gate.passed:
        register_result = register(config, workspace, run=evaluate_result.champion.run_id, listener=listener)
    return RunResult(
        split=split_result,
        train=train_result,
        evaluate=evaluate_result,
        register=register_result,
        registered_version=known if register_result is None else register_result.version,
        skipped=tuple(skipped),
        seconds=time.monotonic() - started,
    )


def trained_session(config: Config, workspace: Workspace, request: TrainRequest) -> str | None:
    """Return the latest session that trained every model asked for, on these rows with these settings.

    With ``max_trials`` each family must have that many; a time limit alone does not make a session incomplete.
    A family that a session went on without counts as done: training again would leave it out again.
    """
    asked = {str(family_name(m)) for m in request.models or config.train.supported_models}
    sessions: dict[str, set[str]] = {}
    for left in _left_runs(config, workspace):
        n_trials = left.n_trials if left.n_trials is not None else request.max_trials
        if request.max_trials is None or (n_trials or 0) >= request.max_trials:
            sessions.setdefault(left.session, set()).add(left.model)
    without = _left_out(workspace)
    complete = (s for s, models in sessions.items() if _wanted(asked, config, without.get(s, set())) <= models)
    return max(complete, default=None)


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


def _left_runs(config: Config, workspace: Workspace) -> Iterator[_LeftRun]:
    """Yield the complete runs on the current split that were made with the same settings."""
    fingerprint = current_split_record(workspace.split_record, config).fingerprint
    learnt = _learnt(to_values(config))
    for path in sorted(workspace.runs.glob("*/run.json")):
        record = _read(path)
        if record is None or not (path.parent / "model").is_dir():
            continue
        if record["data"]["fingerprint"] == fingerprint and _learnt(record["config"]) == learnt:
            yield _LeftRun(session=record["session"], model=record["model"], n_trials=record["n_trials"])


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


def _registered(config: Config, workspace: Workspace, run_id: str) -> str | None:
    """Return the version that was made from a run and has been champion."""
    registered = registry.read(workspace.registry, registry.registered_name(config.registry, config.train))
    version = registered.of_run(run_id)
    return version.version if version and registered.was_promoted(version.version) else None
