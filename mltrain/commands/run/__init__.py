"""`mltrain run`: split, train, evaluate, register; what is up to date is skipped, a refusal ends it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mltrain import registry
from mltrain.commands.evaluate import EvaluateResult, evaluate
from mltrain.commands.register import RegisterResult, register
from mltrain.commands.run.trained import trained_session
from mltrain.commands.split import SplitResult, split
from mltrain.commands.train import TrainRequest, TrainResult, train
from mltrain.config import Config
from mltrain.events import Listener, Notice, ignore
from mltrain.workspace import Workspace

__all__ = ["RunResult", "run"]


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
        skip(f"train: {session}")
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


def _registered(config: Config, workspace: Workspace, run_id: str) -> str | None:
    """Return the version that was made from a run and has been champion."""
    registered = registry.read(workspace.registry, registry.registered_name(config.registry, config.train))
    version = registered.of_run(run_id)
    return version.version if version and registered.was_promoted(version.version) else None
