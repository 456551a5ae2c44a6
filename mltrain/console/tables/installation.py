"""What ``plugins`` and ``doctor`` found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.drawing import rows_table

if TYPE_CHECKING:
    from mltrain.commands.doctor import DoctorResult
    from mltrain.commands.plugins import PluginsResult


def plugins_tables(result: PluginsResult) -> Iterator[RenderableType]:
    """Draw the plug-ins and what is wrong with any."""
    rows = ((p.group, p.name, p.distribution, p.problem or "ready") for p in result.plugins)
    yield rows_table(("group", "name", "from", "state"), rows)


def doctor_tables(result: DoctorResult) -> Iterator[RenderableType]:
    """Draw the checks and a verdict."""
    rows = ((c.name, c.state, c.finding, c.advice) for c in result.checks)
    yield rows_table(("check", "state", "found", "what to do"), rows)
    yield "all that mltrain needs is there" if result.healthy else "something that mltrain needs is missing"
