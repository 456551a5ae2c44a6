"""The process that sends: ``python -m mltrain.tracking.outbox``, started by `sender.start`.

Its first line on stdin is the task, its second, ``finish``, tells it to send the rest and leave. When stdin
ends without that word the process that trained is dead: runs without an end are ended as failed. It writes
JSON lines to stdout: the tracker's mode once, warnings, and why a run could not be sent. Runs are sent side by side,
as they are trained; one that meets trouble is tried again.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mltrain import plugins
from mltrain.errors import EnvironmentRefusal, MltrainError
from mltrain.redaction import without_secrets
from mltrain.tracking import Scalar, Tracker, TrackerSettings
from mltrain.tracking.folders import SessionFolders, end_as_failed, is_being_written, start_of
from mltrain.tracking.mirror import Mirror
from mltrain.tracking.scratch import scratch
from mltrain.tracking.sync_state import sending
from mltrain.tracking.training import PARENT

logger = logging.getLogger(__name__)

FINISH = "finish"
_POLL_S = 0.3
_FIRST_PAUSE_S = 1.0
_MAX_PAUSE_S = 60.0
_ORPHAN_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What the process is to do; holds no secrets.

    Attributes
    ----------
    is_writer : bool
        The process that started this one writes the runs of the session; another only adds to those that ended.
    """

    tracker: str
    project: str
    workspace: str | None
    directory: str
    options: Mapping[str, Scalar]
    runs: str
    session: str
    is_writer: bool = False

    @property
    def own_folder(self) -> Path:
        """The folder of the process's log and temporary files."""
        return Path(self.runs) / ".trackers" / self.tracker

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
        self._saying = threading.Lock()

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
        with self._saying, suppress(OSError):
            print(json.dumps(message), flush=True)  # noqa: T201 - stdout is the channel to the parent


def main() -> int:
    """Run the process; return its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with suppress(OSError, AttributeError):  # no such thing on Windows
        os.nice(10)
    task = Task.from_line(sys.stdin.readline())
    parent = Parent()
    threading.Thread(target=parent.listen, daemon=True).start()
    with ExitStack() as stack:
        try:
            stack.enter_context(scratch(task.own_folder / "scratch"))
            tracker: Tracker = plugins.load("trackers", task.tracker)(task.settings())
        except MltrainError as error:
            logger.warning("cannot open %s: %s", task.tracker, error)
            parent.say(failure=str(error))
            return error.exit_code
        stack.callback(tracker.close)
        parent.say(mode=tracker.mode)
        Outbox(task, tracker, parent).run()
    return 0


class Outbox:
    """The runs of one session on their way, each in a thread of its own: all of them are open at once."""

    def __init__(self, task: Task, tracker: Tracker, parent: Parent) -> None:
        self._task = task
        self._tracker = tracker
        self._parent = parent
        self._folders = SessionFolders(Path(task.runs), task.session)
        self._threads: dict[str, threading.Thread] = {}
        self._is_last_look = threading.Event()

    def run(self) -> None:
        """Send what comes until told to leave and nothing is left."""
        while not self._parent.was_told.is_set():
            self._take_up()
            self._parent.was_told.wait(_POLL_S)
        if self._parent.is_dead:
            self._end_orphans()
        self._take_up()
        self._is_last_look.set()
        for thread in self._threads.values():
            thread.join()

    def _take_up(self) -> None:
        """Begin with the runs that are new, oldest first."""
        for directory in self._folders.look():
            if directory.name not in self._threads and not self._is_anothers(directory):
                thread = threading.Thread(target=self._deliver, args=(directory,), daemon=True, name=directory.name)
                self._threads[directory.name] = thread
                thread.start()

    def _is_anothers(self, directory: Path) -> bool:
        """Say whether a run is open and written by another process than our parent, whose sender it has."""
        return not self._task.is_writer and is_being_written(directory)

    def _deliver(self, directory: Path) -> None:
        """Send one run; after trouble try again, later and later, and once more when told to leave."""
        self._wait_for_parent_of(directory)
        pause_s, has_failed = _FIRST_PAUSE_S, False
        while True:
            is_last_try = self._is_last_look.is_set()
            failure = self._send(directory)
            if failure is None:
                return
            if is_last_try or not has_failed:  # nobody empties the pipe before the end
                self._parent.say(run=directory.name, failure=failure)
            if is_last_try:
                return
            has_failed = True
            self._is_last_look.wait(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    def _wait_for_parent_of(self, directory: Path) -> None:
        """Let the run that this one judged go first: its key in the tracker belongs to what this one says."""
        start = start_of(directory)
        judged = self._threads.get(str(start.values.get(PARENT))) if start is not None else None
        if judged is not None:
            judged.join()

    def _send(self, directory: Path) -> str | None:
        """Tail one run to its end; return why it could not be sent, None when it was."""
        try:
            with sending(directory):
                copy = Mirror(directory, self._tracker, name=self._task.tracker)
                try:
                    self._tail(copy, directory)
                finally:
                    copy.let_go()
                for warning in copy.warnings:
                    self._parent.say(warning=warning)
        except Exception as error:  # noqa: BLE001 - a tracker may be anybody's plug-in; other runs must not wait for it
            return failure_of(directory, error)
        return None

    def _tail(self, copy: Mirror, directory: Path) -> None:
        """Send what comes until the run ends, or the parent wants to leave with the run still open."""
        start_s = time.monotonic()
        while True:
            is_last_look = self._is_last_look.is_set()
            copy.advance()
            if copy.has_ended or is_last_look:
                break
            self._is_last_look.wait(_POLL_S)
        state = copy.close()
        logger.info("run %s: %s in %.1f s", directory.name, state.status, time.monotonic() - start_s)

    def _end_orphans(self) -> None:
        """End the runs of a dead parent as failed, and see that this process does not outlive it for long."""
        for directory in self._folders.look():
            if not self._is_anothers(directory):
                end_as_failed(directory)
        watchdog = threading.Timer(_ORPHAN_S, os._exit, args=(EnvironmentRefusal.exit_code,))
        watchdog.daemon = True
        watchdog.start()


def failure_of(directory: Path, error: Exception) -> str:
    """Log why a run could not be sent, and return it in words for a user."""
    if isinstance(error, MltrainError):
        logger.warning("run %s was not sent: %s", directory.name, error)
        return str(error)
    trace = "".join(traceback.format_exception(error))
    logger.error("run %s was not sent: %s", directory.name, without_secrets(trace))
    return without_secrets(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
