"""What ``plugins`` and ``doctor`` found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.drawing import facts, rows_table

if TYPE_CHECKING:
    from mltrain.commands.doctor import DoctorResult
    from mltrain.commands.plugins import PluginsResult

_STATES = {"optional": "not installed (optional)"}


def plugins_tables(result: PluginsResult) -> Iterator[RenderableType]:
    """Draw the plug-ins, and what is wrong with any or can be added."""
    plugins = result.plugins
    rows = ((p.group, p.name, p.distribution, _STATES.get(p.state, p.state)) for p in plugins)
    yield rows_table(
        ("group", "|name", "from", "|state"), rows, dimmed=_positions(p.state == "optional" for p in plugins)
    )
    told = [(f"{p.group} {p.name}", p.problem or p.note, p.state) for p in plugins]
    broken = [(name, text) for name, text, state in told if state == "broken"]
    yield from [facts(broken, title="what to do")] if broken else []
    optional = [(name, text) for name, text, state in told if text and state != "broken"]
    yield from [facts(optional, title="optional")] if optional else []


def doctor_tables(result: DoctorResult) -> Iterator[RenderableType]:
    """Draw the checks, what to do about them, and a verdict."""
    checks = result.checks
    rows = ((c.name, c.state, c.finding) for c in checks)
    yield rows_table(("|check", "|state", "found"), rows, dimmed=_positions(c.state == "optional" for c in checks))
    urgent = [(c.name, c.advice) for c in checks if c.advice and c.state != "optional"]
    yield from [facts(urgent, title="what to do")] if urgent else []
    optional = [(c.name, c.advice) for c in checks if c.advice and c.state == "optional"]
    yield from [facts(optional, title="optional")] if optional else []
    yield ""
    yield "all that mltrain needs is there" if result.healthy else "something that mltrain needs is missing"


def _positions(chosen: Iterable[bool]) -> list[int]:
    """Return the positions at which something holds."""
    return [position for position, holds in enumerate(chosen) if holds]
