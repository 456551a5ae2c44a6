"""The commands that show and check what is on record: runs, registered models, config, installation."""

from __future__ import annotations

from typing import Annotated

import typer

from mltrain.cli.options import Name, RunId
from mltrain.console.invocation import Invocation, command

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="Show at most this many.")]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids of two runs or more.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Version or alias.")]

Tolerance = Annotated[
    float, typer.Option(min=0, metavar="X", help="Largest difference of a probability that counts as equal.")
]
RebuiltRun = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run; or alias or version of its model.")]


@command
def reproduce(call: Invocation, run: RebuiltRun, *, tolerance: Tolerance = 1e-6) -> object:
    """Rebuild a run's model from its record and compare."""
    from mltrain.commands.reproduce import reproduce

    config = call.load_config(require_data=False) if call.has_config else None
    return reproduce(config, call.workspace, run=run, tolerance=tolerance, listener=call.listener)


@command
def runs_ls(call: Invocation, *, limit: Limit = 20) -> object:
    """Show the leaderboard of recent runs."""
    from mltrain.commands.runs import ls

    return ls(call.load_config(require_data=False), call.workspace, limit=limit)


@command
def runs_show(call: Invocation, run: RunId) -> object:
    """Show one run."""
    from mltrain.commands.runs import show

    return show(call.load_config(require_data=False), call.workspace, run=run)


@command
def runs_compare(call: Invocation, runs: RunIds) -> object:
    """Compare runs side by side."""
    from mltrain.commands.runs import compare

    return compare(call.load_config(require_data=False), call.workspace, runs=tuple(runs))


@command
def runs_sync(call: Invocation) -> object:
    """Send what is still spooled to the tracker."""
    from mltrain.commands.runs import sync

    return sync(call.load_config(require_data=False), call.workspace)


@command
def registry_ls(call: Invocation, *, name: Name = None) -> object:
    """List registered versions and their aliases."""
    from mltrain.commands.registry import ls

    return ls(call.load_config(require_data=False), call.workspace, name=name)


@command
def registry_show(call: Invocation, version: Version = "champion", *, name: Name = None) -> object:
    """Show one registered version."""
    from mltrain.commands.registry import show

    return show(call.load_config(require_data=False), call.workspace, version=version, name=name)


@command
def registry_rollback(call: Invocation, *, name: Name = None) -> object:
    """Give the champion alias back to the previous champion."""
    from mltrain.commands.registry import rollback

    return rollback(call.load_config(require_data=False), call.workspace, name=name)


@command
def registry_pull(call: Invocation, *, name: Name = None) -> object:
    """Fetch the tracker's champion, verify it and make it champion here."""
    from mltrain.commands.registry import pull

    return pull(call.load_config(require_data=False), call.workspace, name=name)


@command
def registry_verify(call: Invocation, *, name: Name = None) -> object:
    """Check every registered file against its recorded hash."""
    from mltrain.commands.registry import verify

    return verify(call.load_config(require_data=False), call.workspace, name=name)


@command
def config_check(call: Invocation) -> object:
    """Check the config file without reading any data."""
    from mltrain.commands.config import check

    return check(call.config_path, call.overrides)


@command
def config_show(call: Invocation) -> object:
    """Print the config as it is understood, defaults included."""
    from mltrain.commands.config import show

    return show(call.config_path, call.overrides)


@command
def config_schema(call: Invocation) -> object:
    """Print the JSON Schema of the config file, for editors."""
    from mltrain.commands.config import schema

    del call
    return schema()


@command
def plugins(call: Invocation) -> object:
    """List model families, trackers, data sources and metrics."""
    from mltrain.commands.plugins import plugins

    del call
    return plugins()


@command
def doctor(call: Invocation) -> object:
    """Say what is installed, what is missing and what that costs."""
    from mltrain.commands.doctor import doctor

    return doctor(call.workspace)
