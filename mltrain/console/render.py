"""Result records as text for people, on stdout."""

from __future__ import annotations

import os
import sys

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mltrain.console.drawing import record_facts
from mltrain.console.tables import TABLES

_WIDTH_WITHOUT_TERMINAL = 120


def render(result: object) -> None:
    """Print a result record as its own tables, or as names and values when it has none."""
    console = stdout_console()
    draw = TABLES.get(type(result).__name__)
    with console.capture() as captured:
        for position, part in enumerate(draw(result) if draw else (record_facts(result),)):
            if position and isinstance(part, Table):
                console.print()
            console.print(part, soft_wrap=not _is_broken_here(part, is_terminal=console.is_terminal))
    text = captured.get()
    sys.stdout.write(text if console.is_terminal else _without_padding(text))


def _is_broken_here(part: RenderableType, *, is_terminal: bool) -> bool:
    """Say whether lines are broken by us: of warnings on a terminal, which would break words; never of commands."""
    return isinstance(part, Table) or (is_terminal and isinstance(part, Text) and part.overflow == "fold")


def _without_padding(text: str) -> str:
    """Return lines without the spaces that fill the last column."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def stdout_console() -> Console:
    """Return a console on stdout, wide enough for tables where there is no terminal."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else _WIDTH_WITHOUT_TERMINAL, highlight=False, markup=False)
