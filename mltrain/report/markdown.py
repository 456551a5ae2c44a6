"""Pieces of Markdown, safe for any name: pipes, line breaks, back-ticks and HTML in labels do no harm."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]#|~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})
_BARE_PIPE = re.compile(r"(?<!\\)\|")


def text(value: Any) -> str:
    """Return prose on one line that Markdown shows as it is."""
    return " ".join(str(value).split()).translate(_SPECIAL)


def code(value: Any) -> str:
    """Return a value in fixed-width letters."""
    shown = " ".join(str(value).split())
    if not shown:
        return "(empty)"
    fence = "`" * (1 + max((len(run) for run in _ticks(shown)), default=0))
    gap = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{gap}{shown}{gap}{fence}"


def _ticks(shown: str) -> list[str]:
    """Return the runs of back-ticks of a text."""
    return [run for run in "".join(char if char == "`" else " " for char in shown).split() if run]


def number(value: float) -> str:
    """Return a number with four decimals, or four digits when it is large or tiny."""
    if math.isnan(value):
        return "not defined"
    is_plain = value == 0 or 1e-3 <= abs(value) < 1e4
    return f"{value:.4f}" if is_plain else f"{value:.4g}"


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, nothing without rows; a pipe inside a cell does not end it."""
    if not rows:
        return ""
    lines = [heading, ["---"] * len(heading), *rows]
    cells = [[_BARE_PIPE.sub(r"\\|", cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def bullets(lines: Sequence[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {line}" for line in lines) + "\n"


def section(title: str, body: str) -> str:
    """Return a headed section, nothing without a body."""
    return f"## {title}\n\n{body.rstrip()}\n" if body.strip() else ""


def image(path: str) -> str:
    """Return a picture by its relative path, named after its file."""
    name = PurePosixPath(path).stem.replace("_", " ")
    return f"![{text(name)}]({quote(path)})"
