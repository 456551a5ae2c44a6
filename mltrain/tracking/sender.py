"""Sends the local records to the tracker from a process of its own, so that training never waits for it.

`start` launches the process (`outbox`), which tails the runs of one session; `Sender.finish` gives it a last
few seconds. `sync` sends everything unsent from this process. Trouble with the tracker is a warning in the
report, never an error.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mltrain import files, plugins
from mltrain.errors import EnvironmentRefusal
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.folders import end_as_failed, is_being_written, run_folders
from mltrain.tracking.mirror import is_sent, mirror
from mltrain.tracking.outbox import FINISH, Task, failure_of
from mltrain.tracking.scratch import scratch
from mltrain.tracking.sync_state import read_state, sending

logger = logging.getLogger(__name__)

_MAX_NAMED = 5
_LOG_BYTES = 1_000_000
_ENDED_WELL = (0, EnvironmentRefusal.exit_code)


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderReport:
    """What the tracker holds now.

    Attributes
    ----------
    synced : tuple of str
        Ids of the runs that are there as a whole.
    pending : tuple of str
        Ids of the runs that wait for ``mltrain runs sync``.
    urls : mapping
        Run id to page, where the tracker has one.
    mode : str
        Mode of the tracker, such as ``online``; empty when it could not be opened.
    """

    synced: tuple[str, ...]
    pending: tuple[str, ...]
    warnings: tuple[str, ...]
    urls: Mapping[str, str]
    mode: str


def start(tracker_name: str, settings: TrackerSettings, *, runs: Path, session: str, is_writer: bool = False) -> Sender:
    """Launch the process that sends the runs of one session as they grow.

    Credentials are left to the environment, which the process inherits.

    Parameters
    ----------
    runs : Path
        Folder of the local runs.
    session : str
        Value of the tag ``mltrain.session`` in their start records.
    is_writer : bool
        Runs of the session that are open are this process's; otherwise they are left to the process that writes them.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused the log, or the system refused the process.
    """
    task = Task(
        tracker=tracker_name,
        project=settings.project,
        workspace=settings.workspace,
        directory=str(settings.directory.absolute()),
        options=dict(settings.options),
        runs=str(runs.absolute()),
        session=session,
        is_writer=is_writer,
    )
    return Sender(task)


class Sender:
    """The process that sends, seen from the one that trains."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._report: SenderReport | None = None
        self.log = task.own_folder / "sender.log"
        command = [sys.executable, "-P", "-m", "mltrain.tracking.outbox"]  # -P: the folder may hold a csv.py
        with files.disk_errors(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            _turn_over(self.log)
            with self.log.open("a", encoding="utf-8") as log:
                # A session of its own keeps Ctrl-C from the process: finish() still gives it its seconds.
                self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
        assert self._process.stdin is not None
        self._tell(task.as_line())

    def finish(self, timeout_s: float = 10) -> SenderReport:
        """Let the process send the rest, kill it when the time is over, and say what arrived.

        Never raises for trouble with the tracker; a second call returns the first report.
        """
        if self._report is None:
            late, output = "interrupted", ""
            try:
                output, _ = self._process.communicate(FINISH + "\n", timeout=max(0.0, timeout_s))
                late = "" if self._process.returncode in _ENDED_WELL else f"the sender broke off; its log is {self.log}"
            except subprocess.TimeoutExpired:
                late = f"not everything was taken within {timeout_s:g} s"
                output = self._kill()
            finally:
                if self._process.poll() is None:  # Ctrl-C, or a request to terminate, while it was waited for
                    self._kill()
                self._report = self._read(output or "", late)
        return self._report

    def _kill(self) -> str:
        """End the process at once and return what it had said."""
        self._process.kill()
        output, _ = self._process.communicate()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # whatever is left in it
            self._process.stdin.close()
        return output or ""

    def _tell(self, line: str) -> None:
        """Write to the process, which may have died already: its exit code tells at the end."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _read(self, output: str, late: str) -> SenderReport:
        """Return what the process said and what the run folders say; all that is missing is one warning."""
        messages = [json.loads(line) for line in output.splitlines() if line.startswith("{") and line.endswith("}")]
        mode = next((m["mode"] for m in messages if "mode" in m), "")
        folders = run_folders(Path(self._task.runs), session=self._task.session)
        report = _report(folders, name=self._task.tracker, mode=mode, warnings=())
        failures = {m.get("run", ""): m["failure"] for m in messages if "failure" in m}  # the last word on each run
        waiting = [failure for run, failure in failures.items() if run in ("", *report.pending)]
        causes = dict.fromkeys(waiting + ([late] if late else []))
        said = [m["warning"] for m in messages if "warning" in m]
        if report.pending and (causes or said):
            said.append(_waiting(self._task.tracker, report.pending, causes))
        elif late:
            said.append(f"{self._task.tracker}: {late}")
        return replace(report, warnings=tuple(said))


def _turn_over(log: Path) -> None:
    """Begin a log anew that has become long; the one before is kept beside it."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        with suppress(PermissionError):  # Windows, while another sender writes to it: the next one does it
            log.replace(log.with_name(f"{log.name}.1"))


def sync(runs: Path, tracker_name: str, settings: TrackerSettings) -> SenderReport:
    """Send every ended run, and every later addition to one, that the tracker does not hold.

    A run that another process is sending or still writes stays pending; one whose writer died ends as failed.

    Raises
    ------
    mltrain.errors.PluginError
        There is no such tracker, or its extra is not installed.
    """
    folders = run_folders(runs)
    if tracker_name == "local" and settings.directory.absolute() == runs.absolute():
        return SenderReport(synced=tuple(f.name for f in folders), pending=(), warnings=(), urls={}, mode="local")
    open_tracker = plugins.load("trackers", tracker_name)
    try:
        tracker: Tracker = open_tracker(settings)
    except EnvironmentRefusal as error:
        return _report(folders, name=tracker_name, mode="", warnings=(f"{tracker_name}: {error}",))
    try:
        with scratch(runs / ".trackers" / tracker_name / "scratch"):
            tried = {folder.name: _sync_one(folder, tracker, name=tracker_name) for folder in folders}
    finally:
        tracker.close()
    failures = {run: failure for run, failure in tried.items() if failure is not None}
    warnings = [_waiting(tracker_name, tuple(failures), dict.fromkeys(failures.values()))] if failures else []
    return _report(folders, name=tracker_name, mode=tracker.mode, warnings=warnings)


def _sync_one(folder: Path, tracker: Tracker, *, name: str) -> str | None:
    """Send one run when it needs it; return why it could not be sent."""
    try:
        if not is_sent(folder, name, tracker.mode) and not is_being_written(folder):
            with sending(folder):
                end_as_failed(folder)
                mirror(folder, tracker, name=name)
    except Exception as error:  # noqa: BLE001 - one run in trouble must not keep the later ones back
        return failure_of(folder, error)
    return None


def _report(folders: Sequence[Path], *, name: str, mode: str, warnings: Sequence[str]) -> SenderReport:
    """Return what the states of the folders add up to."""
    states = {f.name: read_state(f) for f in folders}
    sent = {f.name for f in folders if (s := states[f.name]) is not None and is_sent(f, name, mode or s.mode)}
    known = {k: s.url for k, s in states.items() if s is not None and s.tracker == name and s.url}
    return SenderReport(
        synced=tuple(f.name for f in folders if f.name in sent),
        pending=tuple(f.name for f in folders if f.name not in sent),
        warnings=tuple(warnings),
        urls=known,
        mode=mode,
    )


def _waiting(tracker: str, pending: Sequence[str], causes: Iterable[str]) -> str:
    """Say which runs a tracker lacks, why, and what to do."""
    names, reasons = _in_short(pending, ", "), _in_short(tuple(causes), "; ")
    return f"not in {tracker} yet: {names} ({reasons}); 'mltrain runs sync' sends what is left"


def _in_short(texts: Sequence[str], sign: str) -> str:
    """Join the first few of many."""
    more = f" and {len(texts) - _MAX_NAMED} more" if len(texts) > _MAX_NAMED else ""
    return sign.join(texts[:_MAX_NAMED]) + more
