"""What commands tell a tracker after training: test scores and figures of a run, a registered version.

The local record is written first. The tracker has ten seconds; what it has not taken by then stays spooled.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mltrain.errors import EnvironmentRefusal, NoRunError, TrackerError
from mltrain.leaderboard import Standing
from mltrain.tracking import ModelVersion, Run, Tracker
from mltrain.tracking.records import FILE_NAME
from mltrain.tracking.sender import start as start_sender
from mltrain.tracking.standings import Trackers, list_standings

TIMEOUT_S = 10.0

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What an evaluation says about its run.

    Attributes
    ----------
    scores : mapping of str to float
        Metrics on the test rows, by name; logged as ``test_<name>``.
    files : mapping of str to Path
        Files by the name they are logged under.
    """

    scores: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, Path]


def tell_evaluation(trackers: Trackers, run_dir: Path, *, chosen: Standing, told: Told) -> tuple[str, ...]:
    """Add an evaluation to the record of its run and let the tracker have it; return warnings."""
    if (run_dir / FILE_NAME).is_file():
        _add(trackers.local.resume_run(chosen.run_id), told)
        return send(trackers, run_dir.parent, session=chosen.session)
    remote = trackers.remote
    if remote is None:
        return ()
    try:
        # A run of another workspace: there is no local record that a sender could mirror.
        within(TIMEOUT_S, lambda: _add(remote.resume_run(chosen.tracker_id), told))
    except (EnvironmentRefusal, NoRunError) as error:
        return (f"{trackers.name} did not take the evaluation: {error.message}",)
    return ()


def send(trackers: Trackers, runs: Path, *, session: str) -> tuple[str, ...]:
    """Let a sender mirror what the runs of a session have not sent yet; return warnings."""
    if trackers.remote is None:
        return ()
    sender = start_sender(trackers.name, trackers.settings, runs=runs, session=session)
    return tuple(sender.finish(timeout_s=TIMEOUT_S).warnings)


def mirror_version(
    trackers: Trackers, run_id: str, *, registry_name: str, alias: str, tags: Mapping[str, str]
) -> ModelVersion:
    """Register a run's model in the tracker's own registry and give the version an alias.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The tracker cannot be opened, has not got the run yet, refused, or took longer than ten seconds.
    """
    remote, tracker_id = _open(trackers), _tracker_id(trackers, run_id)

    def register() -> ModelVersion:
        version = remote.register(tracker_id, registry_name, tags=tags)
        remote.set_alias(registry_name, alias, version.version)
        return version

    return within(TIMEOUT_S, register)


def move_alias(trackers: Trackers, run_id: str, *, registry_name: str, alias: str) -> None:
    """Give an alias in the tracker's own registry to the latest version made from a run.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The tracker cannot be opened, refused, or took longer than ten seconds.
    mltrain.errors.NoRunError
        It has no version of that run.
    """
    remote, tracker_id = _open(trackers), _tracker_id(trackers, run_id)

    def move() -> None:
        versions = [v.version for v in remote.versions(registry_name) if v.run_id == tracker_id]
        if not versions:
            raise NoRunError(f"{trackers.name} has no version of run {run_id}")
        remote.set_alias(registry_name, alias, versions[-1])

    within(TIMEOUT_S, move)


def within(timeout_s: float, call: Callable[[], _T]) -> _T:
    """Return what ``call`` returns or raise what it raises, but wait no longer than ``timeout_s`` seconds.

    Raises
    ------
    mltrain.errors.TrackerError
        The time is up; the call is left behind in a thread that does not keep the process alive.
    """
    answer: Future[_T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, as a pool's thread does
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True, name="mltrain-tracker").start()
    done, _ = wait([answer], timeout=timeout_s)
    if not done:
        raise TrackerError(f"no answer within {timeout_s:g} s", hint="mltrain runs sync sends what is left")
    return answer.result()


def _open(trackers: Trackers) -> Tracker:
    """Return the tracker, or raise why it is not open."""
    if trackers.remote is None:
        raise TrackerError("; ".join(trackers.warnings) or f"{trackers.name} is not open")
    return trackers.remote


def _tracker_id(trackers: Trackers, run_id: str) -> str:
    """Return what the tracker calls a run, or raise that it has not got it."""
    found = list_standings(trackers, run=run_id, limit=1).standings
    if not found or found[0].source != "tracker":
        raise TrackerError(f"{trackers.name} has not got run {run_id} yet", hint="mltrain runs sync")
    return found[0].tracker_id


def _add(run: Run, told: Told) -> None:
    """Log an evaluation."""
    finite = {f"test_{name}": value for name, value in told.scores.items() if math.isfinite(value)}
    run.log_metrics(finite)
    run.set_tags(told.tags)
    for name, path in told.files.items():
        run.log_file(path, name)
    run.finish()
