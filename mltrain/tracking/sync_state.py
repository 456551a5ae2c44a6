"""How far a run's record has been sent: ``sync.json`` in the run's folder, and the lock of who sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias

from mltrain import files

FILE_NAME = "sync.json"

SyncStatus: TypeAlias = Literal["open", "synced", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncState:
    """What is known of a run's copy in the tracker.

    Attributes
    ----------
    remote_id : str, optional
        Id of the run in the tracker; None until it is started there.
    offset : int
        Bytes of the local record that were handed over.
    status : {"open", "synced", "failed"}
        ``synced`` once the tracker's ``finish`` came back; a process that finds ``open`` knows that another
        one died with things on the way.
    """

    tracker: str
    mode: str
    remote_id: str | None = None
    url: str | None = None
    offset: int = 0
    status: SyncStatus = "open"
    error: str | None = None


def read_state(run_dir: Path) -> SyncState | None:
    """Return the state of a run folder; None when nothing, or nothing readable, is noted."""
    try:
        document = json.loads((run_dir / FILE_NAME).read_text(encoding="utf-8"))
        known = {field.name for field in fields(SyncState)}
        return SyncState(**{k: v for k, v in document.items() if k in known})
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None


def write_state(run_dir: Path, state: SyncState) -> None:
    """Note the state of a run folder."""
    files.write_json(run_dir / FILE_NAME, asdict(state))


@contextmanager
def sending(run_dir: Path) -> Iterator[None]:
    """Be the only process that sends this run.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        Another process sends it.
    """
    with files.lock(run_dir.parent / ".trackers" / "locks" / f"{run_dir.name}.lock", timeout_s=0):
        yield
