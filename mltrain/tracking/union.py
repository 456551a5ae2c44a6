"""What the tracker and the local records know together; a run that both know is one run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mltrain.errors import MltrainError
from mltrain.tracking import RunInfo, Tracker
from mltrain.tracking.training import RUN_ID
from mltrain.tracking.waiting import TIMEOUT_S, within

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownRun:
    """A run and who is to be asked for its files.

    Attributes
    ----------
    info : RunInfo
        As its origin reports it; ``info.id`` is the id there.
    """

    info: RunInfo
    origin: Literal["tracker", "local"]

    @property
    def run_id(self) -> str:
        """Return the id that mltrain gave the run, which is the name of its folder."""
        return self.info.tags.get(RUN_ID, self.info.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Union:
    """The runs, newest first, and who answered, such as ``comet_ml (offline: no key)``."""

    runs: tuple[KnownRun, ...]
    answered: str
    warnings: tuple[str, ...]


def recent_runs(
    tracker: Tracker | None, local: Tracker, *, tags: Mapping[str, str] | None = None, limit: int = 100
) -> Union:
    """Return the newest runs that carry ``tags`` in the tracker or in the local records.

    The tracker's word counts where it has all of a run; a run that is still on its way there is taken from
    the local records. A tracker that fails costs a warning.
    """
    here = [KnownRun(info=i, origin="local") for i in local.list_runs(tags, limit=limit)]
    if tracker is None or tracker.name == local.name:
        return Union(runs=tuple(here), answered=local.name, warnings=())
    try:
        listed = within(TIMEOUT_S, lambda: tracker.list_runs(tags, limit=limit))
        there = [KnownRun(info=i, origin="tracker") for i in listed]
    except MltrainError as error:
        logger.warning("%s does not answer: %s", tracker.name, error)
        warning = f"{tracker.name} does not answer ({error}); only local records are listed"
        return Union(runs=tuple(here), answered=local.name, warnings=(warning,))
    newest = sorted(_merge(there, here), key=lambda r: (r.info.started_ms, r.run_id), reverse=True)
    return Union(runs=tuple(newest[:limit]), answered=f"{tracker.name} ({tracker.mode})", warnings=())


def _merge(there: Sequence[KnownRun], here: Sequence[KnownRun]) -> list[KnownRun]:
    """Keep one of each run: the tracker's, unless the local record knows more."""
    merged = {run.run_id: run for run in here}
    for run in there:
        known = merged.get(run.run_id)
        if known is None or (known.origin == "local" and _has_all(run.info, known.info)):
            merged[run.run_id] = run
    return list(merged.values())


def _has_all(there: RunInfo, here: RunInfo) -> bool:
    """Say whether the tracker holds as much of a run as the local record does."""
    has_tags = here.tags.items() <= there.tags.items()  # the hash of the model is one of them
    return has_tags and there.status == here.status and set(here.metrics) <= set(there.metrics)
