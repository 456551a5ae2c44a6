"""Who opened a test split, when and for what: append-only, never reset, keyed by the split's fingerprint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mltrain import files


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """One opening of a test split.

    Attributes
    ----------
    when : str
        ISO 8601, UTC.
    fingerprint : str
        Content of the test split.
    purpose : str
        What it was opened for, such as ``evaluate``.
    source : str
        Where the rows came from, secrets masked; empty in lines of older versions.
    """

    when: str
    fingerprint: str
    run_id: str
    config_hash: str
    purpose: str
    source: str = ""


def append(path: Path, opening: Opening) -> None:
    """Write one opening and see it to the disk.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; then the split must stay closed.
    """
    files.append_line(path, json.dumps(asdict(opening), ensure_ascii=False))


def openings(path: Path) -> tuple[Opening, ...]:
    """Return all openings, oldest first; none when there is no ledger. A torn line is passed over."""
    if not path.exists():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(opening for line in lines if (opening := _parse(line)) is not None)


def count(path: Path, fingerprint: str) -> int:
    """Return how often the test split of this fingerprint was opened."""
    return sum(opening.fingerprint == fingerprint for opening in openings(path))


def count_others(path: Path, fingerprint: str, *, source: str) -> int:
    """Return how often other test splits of a source were opened: rows of theirs may be in this one.

    Lines that do not say where the rows came from count, as most workspaces have one source.
    """
    return sum(opening.fingerprint != fingerprint and opening.source in ("", source) for opening in openings(path))


def _parse(line: str) -> Opening | None:
    """Return the opening on one line, None when a crash cut the line short."""
    try:
        return Opening(**json.loads(line))
    except (ValueError, TypeError):
        return None
