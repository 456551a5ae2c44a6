"""Which run folders there are, and whether somebody still writes to one of them."""

from __future__ import annotations

from pathlib import Path

from mltrain.tracking.liveness import is_alive
from mltrain.tracking.records import FILE_NAME, Record, append_record, mend, read_records
from mltrain.tracking.training import SESSION


def run_folders(runs: Path, *, session: str | None = None) -> list[Path]:
    """Return the folders that hold a started run, oldest first; of one session when it is given."""
    found = []
    for path in runs.glob(f"*/{FILE_NAME}"):
        start = start_of(path.parent)
        if start is not None and session in (None, start.values.get(SESSION)):
            found.append((start.time_ms, path.parent))
    return [directory for _, directory in sorted(found)]


class SessionFolders:
    """The folders of one session for who looks again and again: a record of another session is opened once."""

    def __init__(self, runs: Path, session: str) -> None:
        self._runs = runs
        self._session = session
        self._own: dict[Path, int] = {}
        self._foreign: set[Path] = set()

    def look(self) -> list[Path]:
        """Return the folders that hold a started run of the session, oldest first."""
        for path in self._runs.glob(f"*/{FILE_NAME}"):
            directory = path.parent
            if directory not in self._own and directory not in self._foreign:
                self._sort_in(directory)
        return sorted(self._own, key=lambda directory: (self._own[directory], directory))

    def _sort_in(self, directory: Path) -> None:
        start = start_of(directory)
        if start is None:  # its first line is being written
            return
        if start.values.get(SESSION) == self._session:
            self._own[directory] = start.time_ms
        else:
            self._foreign.add(directory)


def start_of(directory: Path) -> Record | None:
    """Return the first record of a run; None when it is not written yet, or its folder has just gone."""
    try:
        return next((r for r in read_records(directory / FILE_NAME) if r.kind == "start"), None)
    except FileNotFoundError:
        return None


def is_being_written(directory: Path) -> bool:
    """Say whether a run is open and the process that opened it lives."""
    if _has_ended(directory):
        return False
    start = start_of(directory)
    return start is not None and is_alive(directory.parent, str(start.values.get(SESSION)))


def end_as_failed(directory: Path) -> None:
    """End a run whose writer is dead, unless it has ended."""
    if not _has_ended(directory):
        mend(directory / FILE_NAME)
        append_record(directory / FILE_NAME, Record(kind="finish", status="failed"))


def _has_ended(directory: Path) -> bool:
    return any(r.kind == "finish" for r in read_records(directory / FILE_NAME))
