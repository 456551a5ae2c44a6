"""Registered models: versions, one of them, a rollback, a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import moment_text
from mltrain.console.drawing import Rows, facts, rows_table, warned

if TYPE_CHECKING:
    from mltrain.commands.registry import (
        RegistryListResult,
        RegistryPullResult,
        RegistryRollbackResult,
        RegistryShowResult,
        RegistryVerifyResult,
    )
    from mltrain.registry import Move


def registry_list_tables(result: RegistryListResult) -> Iterator[RenderableType]:
    """Draw versions and the history of champions."""
    rows = ((v.version, v.run_id, v.aliases, moment_text(v.created), v.who) for v in result.versions)
    headers = ("version", "|run", "aliases", "|created (UTC)", "|by")
    yield rows_table(headers, rows, title=result.name, spare=("by", "created (UTC)"))
    yield _history(result.history)


def registry_pull_tables(result: RegistryPullResult) -> Iterator[RenderableType]:
    """Say what the tracker's champion is here."""
    how = "fetched and verified" if result.is_new else "here already"
    yield f"{result.name} version {result.version} is champion: run {result.run_id}, {how}"
    yield f"in the tracker's registry: version {result.tracker_version}"


def registry_show_tables(result: RegistryShowResult) -> Iterator[RenderableType]:
    """Draw one version."""
    yield facts(
        [
            ("model", f"{result.name} version {result.version}"),
            ("aliases", result.aliases),
            ("made of", result.families),
            ("kind", result.model),
            ("classes", result.classes),
            ("threshold", result.threshold),
            ("metric", result.metric),
            ("created", f"{moment_text(result.created)} UTC by {result.who}"),
            ("run", result.run_id),
            ("manifest", result.manifest),
            ("folder", result.directory),
        ]
    )
    yield _history(result.history)


def registry_rollback_tables(result: RegistryRollbackResult) -> Iterator[RenderableType]:
    """Draw who is champion now."""
    before = f"version {result.previous}; `{result.undo}` makes it champion again"
    yield facts([("model", result.name), ("champion", f"version {result.version}"), ("before", before)])
    yield from warned(result.warnings)


def registry_verify_tables(result: RegistryVerifyResult) -> Iterator[RenderableType]:
    """Draw the state of every version."""
    rows = ((check.version, check.problem or "as registered") for check in result.checks)
    yield rows_table(("version", "state"), rows, title=result.name)
    yield from (f"version {check.version}: {check.advice}" for check in result.checks if check.advice)


def _history(moves: Iterable[Move]) -> Rows:
    """Draw the history of an alias."""
    rows = ((moment_text(m.when), m.action, m.version, m.previous, m.who, m.why) for m in moves)
    headers = ("|when (UTC)", "|what", "version", "before", "|by", "why")
    return rows_table(headers, rows, title="champions", spare=("by", "before"))
