"""Whether the process that writes the runs of a session still lives: it holds a lock that its death sets free."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mltrain import files
from mltrain.errors import EnvironmentRefusal


@contextmanager
def living(runs: Path, session: str) -> Iterator[None]:
    """Be known as alive while the block runs."""
    path = _path(runs, session)
    with files.lock(path, timeout_s=0):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def is_alive(runs: Path, session: str) -> bool:
    """Say whether somebody holds the session's lock."""
    path = _path(runs, session)
    if not path.exists():
        return False
    try:
        with files.lock(path, timeout_s=0):
            path.unlink(missing_ok=True)
    except EnvironmentRefusal:
        return True
    return False


def _path(runs: Path, session: str) -> Path:
    return runs / ".sessions" / f"{session}.lock"
