"""Result records as text for people, on stdout."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from mltrain.console.drawing import record_facts
from mltrain.console.tables import TABLES

_WIDTH_WITHOUT_TERMINAL = 120


def render(result: object) -> None:
    """Print a result record as its own tables, or as names and values when it has none."""
    console = stdout_console()
    draw = TABLES.get(type(result).__name__)
    for part in draw(result) if draw else (record_facts(result),):
        console.print(part)


def stdout_console() -> Console:
    """Return a console on stdout, wide enough for tables where there is no terminal."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else _WIDTH_WITHOUT_TERMINAL, highlight=False, markup=False)
