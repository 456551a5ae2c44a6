"""The process that sends: ``python -m mltrain.tracking.outbox``, started by `sender.start`.

Its first line on stdin is the task, its second, ``finish``, tells it to send the rest and leave. When stdin
ends without that word the process that trained is dead: runs without an end are ended as failed. It writes
JSON lines to stdout: the tracker's mode once, warnings, and why a run could not be sent. Runs are sent one after
the other, as Comet has one open experiment a process.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mltrain import plugins
from mltrain.errors import EnvironmentRefusal, MltrainError
from mltrain.tracking import Scalar, Tracker, TrackerSettings
from mltrain.tracking.mirror import Mirror
from mltrain.tracking.records import FILE_NAME, Record, append_record, mend, read_records
from mltrain.tracking.sync_state import sending
from mltrain.tracking.training import SESSION

logger = logging.getLogger(__name__)

FINISH = "finish"
_POLL_S = 0.3
_ORPHAN_S = 60.0
_MAX_SAID = 50  # stdout is a pipe that nobody empties before the end


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What the process is to do; holds no secrets."""

    tracker: str
    project: str
    workspace: str | None
    directory: str
    options: Mapping[str, Scalar]
    runs: str
    session: str

    def as_line(self) -> str:
        """Return the task as one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Task:
        """Return the task of a line."""
        return cls(**json.loads(line))

    def settings(self) -> TrackerSettings:
        """Return the tracker's settings."""
        return TrackerSettings(
            project=self.project,
            workspace=self.workspace,
            directory=Path(self.directory),
            options=self.options,
        )


class Parent:
    """What the process that trains said last."""

    def __init__(self) -> None:
        self.was_told = threading.Event()
        self.is_dead = False

    def listen(self) -> None:
        """Read stdin to its end."""
        for line in sys.stdin:
            if line.strip() == FINISH:
                self.was_told.set()
        if not self.was_told.is_set():
            self.is_dead = True
            self.was_told.set()

    def say(self, **message: str) -> None:
        """Write one line for the parent, which may be gone."""
        with suppress(OSError):
            print(json.dumps(message), flush=True)  # noqa: T201 - stdout is the channel to the parent


def main() -> int:
    """Run the process; return its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with suppress(OSError, AttributeError):  # no such thing on Windows
        os.nice(10)
    task = Task.from_line(sys.stdin.readline())
    parent = Parent()
    threading.Thread(target=parent.listen, daemon=True).start()
    try:
        tracker: Tracker = plugins.load("trackers", task.tracker)(task.settings())
    except MltrainError as error:
        logger.warning("cannot open %s: %s", task.tracker, error)
        parent.say(failure=str(error))
        return error.exit_code
    parent.say(mode=tracker.mode)
    with ExitStack() as stack:
        stack.callback(tracker.close)
        Outbox(task, tracker, parent).run()
    return 0


class Outbox:
    """The runs of one session on their way."""

    def __init__(self, task: Task, tracker: Tracker, parent: Parent) -> None:
        self._task = task
        self._tracker = tracker
        self._parent = parent
        self._done: set[str] = set()
        self._n_said = 0

    def run(self) -> None:
        """Send run after run until told to leave and nothing is left."""
        while True:
            is_last_look = self._parent.was_told.is_set()
            if self._parent.is_dead:
                self._end_orphans()
            for directory in self._waiting():
                self._send(directory)
            if is_last_look and not list(self._waiting()):
                return
            self._parent.was_told.wait(_POLL_S)

    def _waiting(self) -> Iterator[Path]:
        """Yield the folders of the session that were not dealt with, oldest first."""
        for directory in run_folders(Path(self._task.runs), session=self._task.session):
            if directory.name not in self._done:
                yield directory

    def _send(self, directory: Path) -> None:
        """Tail one run to its end; trouble sets the run aside for ``mltrain runs sync``."""
        self._done.add(directory.name)
        try:
            with sending(directory):
                copy = Mirror(directory, self._tracker, name=self._task.tracker)
                self._tail(copy, directory)
                for warning in copy.warnings:
                    self._say(warning=warning)
        except MltrainError as error:
            logger.warning("run %s was not sent: %s", directory.name, error)
            self._say(failure=str(error))

    def _tail(self, copy: Mirror, directory: Path) -> None:
        """Send what comes until the run ends, or the parent wants to leave with the run still open."""
        start_s = time.monotonic()
        while True:
            is_last_look = self._parent.was_told.is_set()
            if self._parent.is_dead:
                self._end_orphans()
            copy.advance()
            if copy.has_ended or is_last_look:
                break
            self._parent.was_told.wait(_POLL_S)
        state = copy.close()
        logger.info("run %s: %s in %.1f s", directory.name, state.status, time.monotonic() - start_s)

    def _end_orphans(self) -> None:
        """End the runs of a dead parent as failed, and see that this process does not outlive it for long."""
        for directory in run_folders(Path(self._task.runs), session=self._task.session):
            end_as_failed(directory)
        if not any(t.name == "orphan" for t in threading.enumerate()):
            watchdog = threading.Timer(_ORPHAN_S, os._exit, args=(EnvironmentRefusal.exit_code,))
            watchdog.name, watchdog.daemon = "orphan", True
            watchdog.start()

    def _say(self, **message: str) -> None:
        self._n_said += 1
        if self._n_said <= _MAX_SAID:
            self._parent.say(**message)


def end_as_failed(directory: Path) -> None:
    """End a run whose writer is dead, unless it has ended."""
    path = directory / FILE_NAME
    if not any(r.kind == "finish" for r in read_records(path)):
        mend(path)
        append_record(path, Record(kind="finish", status="failed"))


def run_folders(runs: Path, *, session: str | None = None) -> list[Path]:
    """Return the folders that hold a started run, oldest first; of one session when it is given."""
    found = []
    for path in runs.glob(f"*/{FILE_NAME}"):
        start = next((r for r in read_records(path) if r.kind == "start"), None)
        if start is not None and session in (None, start.values.get(SESSION)):
            found.append((start.time_ms, path.parent))
    return [directory for _, directory in sorted(found)]


if __name__ == "__main__":
    sys.exit(main())
