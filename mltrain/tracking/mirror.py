"""Copies a run's local record into a tracker, each record once.

A mirror that was stopped goes on from its offset. One that died with records on the way asks the tracker
what arrived and sends the rest: parameters and metric points that are there are not sent again; tags, files
and models replace themselves. Threads, processes and the choice of runs are the sender's business.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mltrain.errors import EnvironmentRefusal, NoRunError, TrackerError
from mltrain.tracking import Run, RunInfo, Tracker
from mltrain.tracking.names import inside
from mltrain.tracking.records import FILE_NAME, Record, read_records
from mltrain.tracking.sync_state import SyncState, read_state, write_state
from mltrain.tracking.training import PARENT, PARENT_KEY, RUN_ID, STARTED_MS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Arrived:
    """What the tracker holds of a run that was cut off."""

    params: frozenset[str] = frozenset()
    points: Counter[tuple[str, int, float]] = field(default_factory=Counter)


def mirror(run_dir: Path, tracker: Tracker, *, name: str) -> SyncState:
    """Send all that a run's record holds and the tracker does not, and close the run there.

    Parameters
    ----------
    run_dir : Path
        Folder with ``tracking.jsonl``; ``sync.json`` is kept there.
    name : str
        Plug-in name of the tracker.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The tracker or the disk refused; the state file says how far it came.
    """
    copy = Mirror(run_dir, tracker, name=name)
    try:
        copy.advance()
        return copy.close()
    finally:
        copy.let_go()


def is_sent(run_dir: Path, name: str, mode: str) -> bool:
    """Say whether a tracker in this mode holds the whole record of a run."""
    state = read_state(run_dir)
    if state is None or state.status != "synced" or not _continues(state, name, mode):
        return False
    return next(read_records(run_dir / FILE_NAME, state.offset), None) is None


class Mirror:
    """The copying of one run, in as many steps as its record grows in."""

    def __init__(self, run_dir: Path, tracker: Tracker, *, name: str) -> None:
        self._directory = run_dir
        self._tracker = tracker
        self._run: Run | None = None
        self._arrived = _Arrived()
        self._ending: Literal["finished", "failed"] | None = None
        self.warnings: list[str] = []
        known = read_state(run_dir)
        if known is not None and known.tracker == name and _is_out_of_reach(known, tracker.mode):
            raise TrackerError(f"run '{run_dir.name}' is in {name}, which cannot be reached", where=known.url)
        self._known = known if known is not None and _continues(known, name, tracker.mode) else None
        # Such an archive may have been uploaded by hand; what is in it then is at the server under the same key.
        is_archived = known is not None and known.tracker == name and self._known is None
        self._archive_key = known.remote_id if known is not None and is_archived else None
        self.state = self._known or SyncState(tracker=name, mode=tracker.mode)

    @property
    def has_ended(self) -> bool:
        """Whether the end of the run has been read."""
        return self._ending is not None

    def advance(self) -> int:
        """Send the records that are new and return their number."""
        if self._run is None and self._has_nothing_to_send():
            return 0
        run = self._run or self._open()
        count = 0
        for record in read_records(self._directory / FILE_NAME, self.state.offset):
            self._apply(record, run)
            self.state = replace(self.state, offset=record.end)
            count += 1
        if count:
            write_state(self._directory, self.state)
        return count

    def close(self) -> SyncState:
        """End the run in the tracker as its record says, and note that all was sent.

        Raises
        ------
        mltrain.errors.TrackerError
            The tracker knows of a loss; the state says failed.
        """
        if self._run is None:
            return self.state
        run, self._run = self._run, None
        try:
            run.finish(self._ending or _last_status(self._directory))
        except TrackerError as error:
            self._note(replace(self.state, status="failed", error=str(error)))
            raise
        self._note(replace(self.state, status="synced", error=None))
        return self.state

    def let_go(self) -> None:
        """Close a run that met trouble, so that it can be opened again; its state stays that of one on its way."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            run.finish("failed")
        except EnvironmentRefusal as error:
            logger.info("run '%s' was let go: %s", self._directory.name, error)

    def _has_nothing_to_send(self) -> bool:
        """Say whether all records were handed over and, unless none ever was, confirmed."""
        if self._known is not None and self._known.status != "synced":
            return False
        return next(read_records(self._directory / FILE_NAME, self.state.offset), None) is None

    def _open(self) -> Run:
        """Start the run in the tracker, or open it again where it left off."""
        is_whole = self._known is not None and self._known.status == "synced"
        there = None
        if self._known is not None and not is_whole:
            there = self._find(self._known.remote_id)
        elif self._archive_key is not None:
            there = self._find(self._archive_key)
        if there is not None:
            self._arrived = self._ask(there)
        remote_id = there.id if there is not None else self.state.remote_id if is_whole else None
        # Noted before the tracker hears of it: who finds the note looks for the run before starting one.
        offset = self.state.offset if is_whole else 0
        self._note(replace(self.state, mode=self._tracker.mode, remote_id=remote_id, offset=offset, status="open"))
        self._run = self._start() if remote_id is None else self._tracker.resume_run(remote_id)
        self._note(replace(self.state, remote_id=self._run.id, url=self._run.url))
        return self._run

    def _start(self) -> Run:
        """Start the run under its own name, with tags that say which it is."""
        first = next(read_records(self._directory / FILE_NAME), None)
        name = first.name if first is not None and first.name else self._directory.name
        return self._tracker.start_run(name, self._identity(first))

    def _identity(self, start: Record | None) -> dict[str, str]:
        """Return the id of the run and when it began, which the tracker cannot know when it is sent later."""
        return {RUN_ID: self._directory.name} | ({STARTED_MS: str(start.time_ms)} if start else {})

    def _find(self, remote_id: str | None) -> RunInfo | None:
        """Return the run as the tracker has it; None when it never got there."""
        if remote_id is None:
            return next(iter(self._tracker.list_runs({RUN_ID: self._directory.name}, limit=1)), None)
        try:
            return self._tracker.get_run(remote_id)
        except NoRunError:
            return None

    def _ask(self, there: RunInfo) -> _Arrived:
        """Return the parameters and points that the tracker holds."""
        points: Counter[tuple[str, int, float]] = Counter()
        for metric in there.metrics:
            history = self._tracker.metric_history(there.id, metric)
            points.update((metric, step or 0, value) for step, value in history)
        return _Arrived(params=frozenset(there.params), points=points)

    def _apply(self, record: Record, run: Run) -> None:
        """Repeat one recorded call on the tracker's run."""
        values = record.values
        match record.kind:
            case "start" | "tags":  # sent again, too: a tag may have arrived in one of its places alone
                identity = self._identity(record) if record.kind == "start" else {}
                run.set_tags({k: str(v) for k, v in values.items()} | identity | self._parent_key(record))
            case "params":
                run.log_params({k: v for k, v in values.items() if k not in self._arrived.params})
            case "metrics":
                self._send_points(record, run)
            case "file" | "model":
                self._send_path(record, run)
            case "finish":
                self._ending = "failed" if record.status == "failed" else "finished"

    def _parent_key(self, record: Record) -> dict[str, str]:
        """Return what this tracker calls the run that the record names as its parent, when it was sent from here."""
        parent = record.values.get(PARENT)
        state = read_state(inside(self._directory.parent, str(parent))) if parent else None
        if state is None or state.remote_id is None or not _continues(state, self.state.tracker, self._tracker.mode):
            return {}
        return {PARENT_KEY: state.remote_id}

    def _send_points(self, record: Record, run: Run) -> None:
        """Log the metrics of one call that have not arrived before."""
        points = {}
        for metric, value in record.values.items():
            number = float(value or 0.0)
            key = (metric, record.step or 0, number)
            if self._arrived.points[key] > 0:
                self._arrived.points[key] -= 1
            else:
                points[metric] = number
        if points:
            run.log_metrics(points, step=record.step, time_ms=record.time_ms)

    def _send_path(self, record: Record, run: Run) -> None:
        """Log a file or a model from the run's folder; one that is gone costs a warning."""
        assert record.name is not None
        path = inside(self._directory, record.name)
        if not path.exists():
            self.warnings.append(f"{record.name} of run '{self._directory.name}' is gone and was not sent")
        elif record.kind == "file":
            run.log_file(path, record.name)
        else:
            run.log_model(path, record.name)

    def _note(self, state: SyncState) -> None:
        self.state = state
        write_state(self._directory, state)


def _continues(known: SyncState, name: str, mode: str) -> bool:
    """Say whether a noted copy is one that this tracker can go on with."""
    return known.tracker == name and (_is_offline(known.mode) == _is_offline(mode))


def _is_out_of_reach(known: SyncState, mode: str) -> bool:
    """Say whether the copy is at a server while the tracker is cut off from it."""
    return known.remote_id is not None and _is_offline(mode) and not _is_offline(known.mode)


def _is_offline(mode: str) -> bool:
    return mode.startswith("offline")


def _last_status(run_dir: Path) -> Literal["finished", "failed"]:
    """Return how the run ended by its record; one without an end has failed."""
    ends = [r.status for r in read_records(run_dir / FILE_NAME) if r.kind == "finish"]
    return "finished" if ends and ends[-1] == "finished" else "failed"
