"""Markdown tables and the numbers in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.peers.roster import BY_NAME
from benchmarks.peers.standing import MeanError


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: text left, the rest right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(title: str, *blocks: str) -> str:
    """Return a heading and its blocks, a blank line between them."""
    return "\n\n".join([f"## {title}", *blocks])


def titles(contestants: Iterable[str]) -> list[str]:
    """Return what the contestants are called."""
    return [BY_NAME[name].title for name in contestants]


def with_error(value: MeanError | None, digits: int = 4) -> str:
    """Return ``0.8123 ± 0.0041``; a dash for nothing."""
    if value is None:
        return "-"
    text = f"{value.mean:.{digits}f}"
    return text if math.isnan(value.error) else f"{text} ± {value.error:.{digits}f}"


def signed(value: MeanError | None, digits: int = 4) -> str:
    """Return ``+0.0012 ± 0.0004``."""
    if value is None:
        return "-"
    text = f"{value.mean:+.{digits}f}"
    return text if math.isnan(value.error) else f"{text} ± {value.error:.{digits}f}"


def number(value: float | None, digits: int = 1) -> str:
    """Return a number, or a dash for nothing."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def percent(share: float) -> str:
    """Return ``82 %``, or a dash for nothing."""
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"
