"""The archives that Comet's client keeps of runs it sends: models and all, so only the latest stay."""

from __future__ import annotations

from pathlib import Path

JOURNAL = "journal"
_KEPT = 20


def prune(directory: Path) -> None:
    """Remove all archives but the 20 latest; what is recorded of a run is in its own folder."""
    by_age = sorted((_written_ns(path), path) for path in directory.glob("*.zip"))
    for _, path in by_age[:-_KEPT]:
        path.unlink(missing_ok=True)


def _written_ns(path: Path) -> int:
    """Return when a file was written; 0 for one that another process has just removed."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
