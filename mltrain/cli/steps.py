"""The commands that take a table to a registered champion."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from mltrain.cli.options import Budget, Data, Fresh, MaxTrials, Models, RunOption, Strict, Target, Timeout
from mltrain.console.invocation import Invocation, command
from mltrain.errors import UsageError
from mltrain.events import Notice

STARTED_AT = time.monotonic()  # what --budget counts from


@command
def init(
    call: Invocation,
    data: Data = None,
    *,
    target: Target = None,
    example: Annotated[str | None, typer.Option(metavar="NAME", help="Use bundled data, such as churn.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing config file.")] = False,
) -> object:
    """Look at the data and write a commented config file."""
    from mltrain.commands.init import init

    return init(data, target, example=example, path=call.config_path, force=force, overrides=call.overrides)


@command
def split(call: Invocation, *, strict: Strict = False) -> object:
    """Load the data, audit it and write the splits."""
    from mltrain.commands.split import split

    return split(call.load_config(), call.workspace, strict=strict, listener=call.listener)


@command
def train(
    call: Invocation,
    *,
    model: Models = [],  # noqa: B006 - Typer copies it
    max_trials: MaxTrials = None,
    timeout: Timeout = None,
    budget: Budget = None,
    fresh: Fresh = False,
) -> object:
    """Tune, fit, calibrate and log models and their ensemble."""
    from mltrain.commands.train import TrainRequest, train

    request = TrainRequest(
        models=tuple(model),
        max_trials=max_trials,
        timeout_s=timeout,
        budget_s=budget,
        fresh=fresh,
        started_at=STARTED_AT,
    )
    return train(call.load_config(), call.workspace, request=request, listener=call.listener)


@command
def evaluate(call: Invocation, *, run: RunOption = None) -> object:
    """Judge the best recent run on the sealed test split."""
    from mltrain.commands.evaluate import evaluate

    return evaluate(call.load_config(), call.workspace, run=run, listener=call.listener)


@command
def register(call: Invocation, *, run: RunOption = None) -> object:
    """Register the evaluated model as champion, or refuse."""
    from mltrain.commands.register import register

    return register(call.load_config(), call.workspace, run=run, listener=call.listener)


@command
def run(
    call: Invocation,
    data: Data = None,
    *,
    target: Target = None,
    model: Models = [],  # noqa: B006 - Typer copies it
    max_trials: MaxTrials = None,
    timeout: Timeout = None,
    budget: Budget = None,
    fresh: Fresh = False,
    strict: Strict = False,
) -> object:
    """Split, train, evaluate, register; skip what is up to date."""
    from mltrain.commands.run import run
    from mltrain.commands.train import TrainRequest

    _init_first(call, data, target)
    request = TrainRequest(
        models=tuple(model),
        max_trials=max_trials,
        timeout_s=timeout,
        budget_s=budget,
        fresh=fresh,
        started_at=STARTED_AT,
    )
    return run(call.load_config(), call.workspace, request=request, strict=strict, listener=call.listener)


def _init_first(call: Invocation, data: str | None, target: str | None) -> None:
    """Write the config when there is none and data was named."""
    from mltrain.commands.init import init

    if data is None and target is None:
        return
    if call.config_path.exists():
        hint = "leave DATA and --target out, use --set data.source=…, or name a new file with --config"
        raise UsageError(f"{call.config_path} already says what the data is", hint=hint)
    written = init(data, target, path=call.config_path, overrides=[o for o in call.overrides if o.startswith("data.")])
    for note in (f"wrote {written.path}: predicts '{written.target}' of {written.source}", *written.notes):
        call.listener(Notice(message=note, level="info"))


@command
def predict(
    call: Invocation,
    source: Annotated[
        str, typer.Argument(metavar="IN", help="File, folder, glob or any source with the model's columns.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="OUT", help="Parquet or CSV file to write.")],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Alias, version, run id or model folder.")] = "champion",
) -> object:
    """Score rows with the champion, in batches; tell drift against training."""
    from mltrain.commands.predict import predict

    config = call.load_config(require_data=False) if call.has_config else None
    return predict(config, call.workspace, source=source, destination=destination, model=model, listener=call.listener)
