"""One JSON line for each run, appended at once; what stands in the journal is not run again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

Line = dict[str, Any]


class Key(NamedTuple):
    """What tells one run from another."""

    set: str
    split: int
    contestant: str
    budget_s: float


def key_of(line: Line) -> Key:
    """Return the key of a line."""
    return Key(line["set"], line["split"], line["contestant"], line["budget_s"])


def read_journal(path: Path) -> list[Line]:
    """Return the lines of the journal, for each key the last one, in the order in which keys first came.

    A line that a power cut left unfinished is skipped.
    """
    latest: dict[Key, Line] = {}
    for line in _whole_lines(path):
        latest[key_of(line)] = line
    return list(latest.values())


def append(path: Path, line: Line) -> None:
    """Append one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    needs_break = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a") as file:
        file.write(("\n" if needs_break else "") + json.dumps(line) + "\n")


def keys_done(path: Path, *, again: Iterable[str] = ()) -> set[Key]:
    """Return the keys that need no run: all in the journal but those of contestants to run again."""
    anew = set(again)
    return {key for key in map(key_of, read_journal(path)) if key.contestant not in anew}


def _whole_lines(path: Path) -> Iterable[Line]:
    if not path.exists():
        return
    for text in path.read_text().splitlines():
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            continue
