"""What `evaluate` tells a tracker: a run of its own, the child of the training run that it judged.

The local record is written first. The tracker has ten seconds; what it has not taken by then stays spooled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mltrain.errors import EnvironmentRefusal
from mltrain.leaderboard import Standing
from mltrain.tracking.records import FILE_NAME
from mltrain.tracking.sender import start as start_sender
from mltrain.tracking.session import stamp
from mltrain.tracking.standings import Trackers
from mltrain.tracking.training import (
    DATA,
    EVALUATION,
    EVALUATION_RUN,
    KIND,
    METRIC,
    MODEL,
    PARENT,
    PARENT_KEY,
    RUN_ID,
    SESSION,
    TARGET,
)
from mltrain.tracking.waiting import TIMEOUT_S


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
    """Record an evaluation as a child of the run it judged and let the tracker have it; return warnings.

    A judged run that is recorded here gets the scores as well, so that it shows them beside its others.
    """
    scores = {f"test_{name}": value for name, value in told.scores.items() if math.isfinite(value)}
    run = trackers.local.start_run(f"{EVALUATION}-{stamp()}", _start_tags(chosen))
    run.set_tags({RUN_ID: run.id})
    run.log_metrics(scores)
    run.set_tags(told.tags)
    for name, path in told.files.items():
        run.log_file(path, name)
    run.finish()
    if (run_dir / FILE_NAME).is_file():
        judged = trackers.local.resume_run(chosen.run_id)
        judged.log_metrics(scores)
        judged.set_tags({**told.tags, EVALUATION_RUN: run.id})
        judged.finish()
    return send(trackers, run_dir.parent, session=chosen.session)


def send(trackers: Trackers, runs: Path, *, session: str) -> tuple[str, ...]:
    """Let a sender mirror what the runs of a session have not sent yet; return warnings."""
    if trackers.remote is None:
        return trackers.warnings
    try:
        sender = start_sender(trackers.name, trackers.settings, runs=runs, session=session)
    except EnvironmentRefusal as error:
        return (f"nothing was sent to {trackers.name}: {error.message}; 'mltrain runs sync' sends it",)
    return tuple(sender.finish(timeout_s=TIMEOUT_S).warnings)


def _start_tags(judged: Standing) -> dict[str, str]:
    """Return what ties an evaluation to the run it judged; a key that only the sender knows is added by it."""
    tags = {
        SESSION: judged.session,
        KIND: EVALUATION,
        PARENT: judged.run_id,
        MODEL: judged.model,
        METRIC: judged.metric,
        DATA: judged.data,
        TARGET: judged.target,
    }
    return tags | ({PARENT_KEY: judged.tracker_id} if judged.source == "tracker" else {})
