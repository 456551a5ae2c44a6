"""Result records as text for people, on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from mltrain.console.drawing import Facts, Rows, record_facts
from mltrain.console.tables import TABLES
from mltrain.console.wrapping import wrapped

_WIDTH_WITHOUT_TERMINAL = 120


def render(result: object) -> None:
    """Print a result record as its own tables, or as names and values when it has none."""
    console = stdout_console()
    draw = TABLES.get(type(result).__name__)
    with console.capture() as captured:
        for position, part in enumerate(draw(result) if draw else (record_facts(result),)):
            if position and isinstance(part, Rows | Facts):
                console.print()
            for line in _lines(part, width=console.width if console.is_terminal else None):
                console.print(line, crop=False, no_wrap=isinstance(line, Text) or None, overflow="ignore")
    text = captured.get()
    sys.stdout.write(text if console.is_terminal else _without_padding(text))


def _lines(part: RenderableType, *, width: int | None) -> Iterator[RenderableType]:
    """Yield prose line by line, broken between words on a terminal of some width; anything else as it is."""
    text = Text(part) if isinstance(part, str) else part
    if width is None or not isinstance(text, Text) or text.overflow == "ignore":
        yield text
    else:
        yield from (Text(line, style=text.style) for line in wrapped(text.plain, width))


def _without_padding(text: str) -> str:
    """Return lines without the spaces that fill the last column."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def stdout_console() -> Console:
    """Return a console on stdout, wide enough for tables where there is no terminal."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else _WIDTH_WITHOUT_TERMINAL, highlight=False, markup=False)
