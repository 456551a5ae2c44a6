"""What commands ask a tracker: which runs there are, and the model of one of them, its hash checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mltrain import artifact, plugins
from mltrain.config import TrainSection
from mltrain.errors import DataError, EnvironmentRefusal, NoRunError, TrackerError
from mltrain.leaderboard import Standing, standing
from mltrain.tracking import RunInfo, Tracker, TrackerSettings
from mltrain.tracking.session import LOCAL, open_local, tracker_settings
from mltrain.tracking.training import KIND, RUN_ID, SESSION, TRAINING, began_ms
from mltrain.tracking.union import recent_runs
from mltrain.tracking.waiting import OPEN_S, TIMEOUT_S, within
from mltrain.workspace import Workspace

FETCH_S = 120.0  # a model may be large


@dataclass(frozen=True, kw_only=True, slots=True)
class Trackers:
    """Both sides of the boundary.

    Attributes
    ----------
    remote : Tracker, optional
        The configured tracker; None when that is the local record itself, or when it cannot be opened.
    warnings : tuple of str
        Why it cannot be opened.
    """

    name: str
    settings: TrackerSettings
    local: Tracker
    remote: Tracker | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standings:
    """Runs as found, newest first.

    Attributes
    ----------
    answered : str
        Which tracker answered, with its mode.
    """

    standings: tuple[Standing, ...]
    answered: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """All that is known of one run.

    Attributes
    ----------
    warnings : tuple of str
        Why the tracker's own word is missing.
    """

    info: RunInfo
    warnings: tuple[str, ...] = ()


@contextmanager
def open_trackers(settings: TrainSection, workspace: Workspace) -> Iterator[Trackers]:
    """Open the local records and the configured tracker; one that fails costs a warning.

    Raises
    ------
    mltrain.errors.PluginError
        The tracker is unknown or its extra is missing.
    """
    name, local = settings.experiment_tracker, open_local(settings, workspace)
    open_tracker, chosen = plugins.load("trackers", name), tracker_settings(settings, workspace)
    remote: Tracker | None = None
    warnings: tuple[str, ...] = ()
    if name != LOCAL:
        try:
            remote = within(OPEN_S, partial(open_tracker, chosen))
        except EnvironmentRefusal as error:
            warnings = (f"{name} cannot be opened, local records are used: {error.message}",)
    try:
        yield Trackers(name=name, settings=chosen, local=local, remote=remote, warnings=warnings)
    finally:
        local.close()
        if remote is not None:
            remote.close()


def list_standings(
    trackers: Trackers, *, run: str | None, limit: int, tags: Mapping[str, str] | None = None
) -> Standings:
    """Return the recent training runs that the tracker or the local records know.

    Parameters
    ----------
    run : str, optional
        A run id or a session id; with it only those runs are returned, however old and whatever their tags.
    tags : mapping of str to str, optional
        Tags that all runs must carry.
    """
    if run is None:
        return _listed(trackers, tags=tags or {}, limit=limit)
    found = _listed(trackers, tags={RUN_ID: run}, limit=limit)
    return found if found.standings else _listed(trackers, tags={SESSION: run}, limit=limit)


def get_info(trackers: Trackers, known: Standing) -> Answer:
    """Ask the side that knows a run for all of it; where the tracker fails, the local record.

    Raises
    ------
    mltrain.errors.TrackerError
        The tracker fails and there is no local record.
    mltrain.errors.NoRunError
        The run has gone.
    """
    remote = trackers.remote
    if remote is None or known.source != "tracker":
        return Answer(info=trackers.local.get_run(known.run_id))
    try:
        return Answer(info=within(TIMEOUT_S, lambda: remote.get_run(known.tracker_id)))
    except (TrackerError, NoRunError) as error:
        warning = f"{trackers.name} did not tell of run {known.run_id}, local record taken: {error.message}"
        try:
            return Answer(info=trackers.local.get_run(known.run_id), warnings=(warning,))
        except NoRunError:
            raise error from None


def fetch_model(trackers: Trackers, chosen: Standing, *, dest: Path) -> tuple[str, ...]:
    """Fetch the model of a run into ``dest`` and check it against the hash that the run recorded.

    Returns
    -------
    tuple of str
        Warnings: the tracker failed and the local copy, with the same hash, was taken.

    Raises
    ------
    mltrain.errors.DataError
        What came is not what the run recorded.
    mltrain.errors.NoRunError
        Neither side has the model.
    mltrain.errors.TrackerError
        The tracker failed and there is no local copy.
    """
    warnings: tuple[str, ...] = ()
    remote = trackers.remote
    if remote is not None and chosen.source == "tracker":
        try:
            # A fetch that is given up goes on for a while: it must not meet the local copy.
            arriving = dest.with_name(f"{dest.name}-arriving")
            within(FETCH_S, lambda: remote.fetch_model(chosen.tracker_id, arriving)).rename(dest)
        except (TrackerError, NoRunError) as error:
            warnings = (f"{trackers.name} did not hand out the model, local copy taken: {error.message}",)
            try:
                trackers.local.fetch_model(chosen.run_id, dest)
            except NoRunError:
                raise error from None
    else:
        trackers.local.fetch_model(chosen.run_id, dest)
    try:
        artifact.verify(dest, expected_manifest_sha256=chosen.manifest)
    except DataError as error:
        raise DataError(
            f"the model of run {chosen.run_id} is not what training left: {error.message}",
            where=error.where,
            hint="mltrain train, or choose another run with --run",
        ) from error
    return warnings


def _listed(trackers: Trackers, *, tags: Mapping[str, str], limit: int) -> Standings:
    found = recent_runs(trackers.remote, trackers.local, tags={KIND: TRAINING, **tags}, limit=limit)
    standings = tuple(
        standing(
            known.info.tags,
            known.info.metrics,
            tracker_id=known.info.id,
            status=known.info.status,
            started_ms=began_ms(known.info.tags, otherwise=known.info.started_ms),
            source=known.origin,
            url=known.info.url,
        )
        for known in found.runs
    )
    warnings = trackers.warnings + found.warnings
    return Standings(standings=standings, answered=found.answered, warnings=warnings)
