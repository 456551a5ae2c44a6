"""`mltrain runs`: the leaderboard, one run, runs side by side, and sending what is still spooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mltrain import metrics
from mltrain.assessment import FILE
from mltrain.config import Config
from mltrain.errors import NoRunError, UsageError
from mltrain.leaderboard import Standing, grouped
from mltrain.registry import registered_name
from mltrain.tracking.registering import Registered, is_told, tell_registry
from mltrain.tracking.sender import sync as send_all
from mltrain.tracking.session import LOCAL, tracker_settings
from mltrain.tracking.standings import get_info, list_standings, open_trackers
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsListResult:
    """Recent runs: those that can be compared stand together, the best of them first."""

    runs: tuple[Standing, ...]
    answered: str
    warnings: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsShowResult:
    """One run as the side that answered holds it, and what of it is in this workspace."""

    run: Standing
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    directory: Path
    is_here: bool
    is_evaluated: bool
    answered: str
    warnings: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing in which runs differ; ``values`` stand in the order of the runs, None where a run lacks it."""

    name: str
    values: tuple[str | float | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsCompareResult:
    """Runs side by side: their scores, and the parameters in which they differ."""

    runs: tuple[Standing, ...]
    metrics: tuple[Difference, ...]
    params: tuple[Difference, ...]
    answered: str
    warnings: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsSyncResult:
    """What the tracker holds now, by run id.

    Attributes
    ----------
    is_offline : bool
        The tracker has only an archive on this machine: what is ``synced`` lies there, and waits for a key.
    registered : mapping of str to str
        Registered version to its version in the tracker's registry, of those that were added there now.
    """

    tracker: str
    is_offline: bool
    synced: tuple[str, ...]
    pending: tuple[str, ...]
    urls: Mapping[str, str]
    warnings: tuple[str, ...]
    registered: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 even when something waits: the records are safe, and the next sync goes on."""
        return 0


def ls(config: Config, workspace: Workspace, *, limit: int = 20) -> RunsListResult:
    """List the recent runs of the tracker and of the local records."""
    with open_trackers(config.train, workspace) as trackers:
        found = list_standings(trackers, run=None, limit=limit)
    return RunsListResult(
        runs=grouped(found.standings, is_greater_better=_is_greater_better),
        answered=found.answered,
        warnings=found.warnings,
    )


def show(config: Config, workspace: Workspace, *, run: str) -> RunsShowResult:
    """Show one run.

    Raises
    ------
    mltrain.errors.NoRunError
        Neither side knows it.
    """
    with open_trackers(config.train, workspace) as trackers:
        found = list_standings(trackers, run=run, limit=1)
        standing = _only(found.standings, run)
        answer = get_info(trackers, standing)
    directory = workspace.run(standing.run_id)
    return RunsShowResult(
        run=standing,
        params=answer.info.params,
        metrics=answer.info.metrics,
        tags=answer.info.tags,
        directory=directory,
        is_here=directory.is_dir(),
        is_evaluated=(workspace.evaluation(standing.run_id) / FILE).is_file(),
        answered=found.answered,
        warnings=found.warnings + answer.warnings,
    )


def compare(config: Config, workspace: Workspace, *, runs: Sequence[str]) -> RunsCompareResult:
    """Put runs side by side.

    Raises
    ------
    mltrain.errors.UsageError
        Fewer than two runs are named.
    mltrain.errors.NoRunError
        A run is unknown.
    """
    if len(set(runs)) < 2:
        raise UsageError(f"two runs or more can be compared, {len(set(runs))} named", hint="mltrain runs ls")
    with open_trackers(config.train, workspace) as trackers:
        found = [list_standings(trackers, run=run, limit=1) for run in dict.fromkeys(runs)]
        standings = tuple(_only(f.standings, run) for f, run in zip(found, dict.fromkeys(runs), strict=True))
        answers = [get_info(trackers, standing) for standing in standings]
    return RunsCompareResult(
        runs=standings,
        metrics=_differences([a.info.metrics for a in answers], keep_equal=True),
        params=_differences([a.info.params for a in answers], keep_equal=False),
        answered=found[0].answered,
        warnings=found[0].warnings + tuple(w for a in answers for w in a.warnings),
    )


def sync(config: Config, workspace: Workspace) -> RunsSyncResult:
    """Send to the tracker what it does not hold yet: runs, then registered versions and who is champion."""
    name = config.train.experiment_tracker
    report = send_all(workspace.runs, name, tracker_settings(config.train, workspace))
    told = _sync_registry(config, workspace, mode=report.mode)
    return RunsSyncResult(
        tracker=f"{name} ({report.mode})",
        is_offline=report.mode.startswith("offline"),
        synced=report.synced,
        pending=report.pending,
        urls=report.urls,
        warnings=report.warnings + told.warnings,
        registered=told.added,
    )


def _sync_registry(config: Config, workspace: Workspace, *, mode: str) -> Registered:
    """Tell the tracker's registry what it has not heard of; it is not even asked when that is nothing."""
    tracker, name = config.train.experiment_tracker, registered_name(config.registry, config.train)
    if tracker == LOCAL or not mode or is_told(workspace, tracker, name, mode=mode):
        return Registered(added={})
    with open_trackers(config.train, workspace) as trackers:
        return tell_registry(trackers, workspace, name)


def _only(standings: Sequence[Standing], run: str) -> Standing:
    """Return the run that was found."""
    if not standings:
        raise NoRunError(f"no run {run!r}", hint="mltrain runs ls")
    return standings[0]


def _differences(
    sides: Sequence[Mapping[str, str] | Mapping[str, float]], *, keep_equal: bool
) -> tuple[Difference, ...]:
    """Line up what runs hold under the same name."""
    names = dict.fromkeys(name for side in sides for name in side)
    rows = [Difference(name=name, values=tuple(side.get(name) for side in sides)) for name in names]
    return tuple(row for row in rows if keep_equal or len(set(row.values)) > 1)


def _is_greater_better(metric: str) -> bool:
    """Say which way a metric points; one that is not installed here is taken as a score."""
    try:
        return metrics.resolve(metric, n_classes=2).greater_is_better
    except UsageError:
        return True
