"""The archives that Comet's client keeps of runs it sends: models and all, so only the latest stay."""

from __future__ import annotations

from pathlib import Path

JOURNAL = "journal"
_KEPT = 20


def prune(directory: Path) -> None:
    """Remove all archives but the 20 latest; what is recorded of a run is in its own folder."""
    by_age = sorted((path.stat().st_mtime_ns, path) for path in directory.glob("*.zip") if path.is_file())
    for _, path in by_age[:-_KEPT]:
        path.unlink(missing_ok=True)
