"""What the contract of trackers logs: a run that has ended, a model directory with awkward names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from mltrain.tracking import Run, Tracker

TREE = {
    "manifest.json": b'{"format": 1}\n',
    "members/000.bin": bytes(range(256)),
    "members/deep/erw\u00e4rmt \u6a21\u578b.txt": "gr\u00fc\u00dfe\n".encode(),
    "empty": b"",
}


def finished_run(
    tracker: Tracker,
    *,
    name: str = "run",
    tags: Mapping[str, str] | None = None,
    model: Path | None = None,
) -> Run:
    """Return a run that has ended, a few milliseconds after the one before it."""
    time.sleep(0.005)
    run = tracker.start_run(name, tags)
    if model is not None:
        run.log_model(model)
    run.finish()
    return run


def write_tree(directory: Path, *, extra: Mapping[str, bytes] | None = None) -> Path:
    """Write a model directory."""
    for name, content in {**TREE, **(extra or {})}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def read_tree(directory: Path) -> dict[str, bytes]:
    """Return the files of a directory by relative name."""
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}
