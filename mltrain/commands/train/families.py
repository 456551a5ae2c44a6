"""One family of a session, from its search to its run; and the vote of all of them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial

from mltrain.candidate import Recipe, keep, seconds_after_search
from mltrain.commands.train.leaving import CandidateLine, leave, start_tags
from mltrain.commands.train.session import Session
from mltrain.ensemble import Searched, keep_ensemble
from mltrain.errors import MltrainError
from mltrain.events import Event, Listener, StageFinished, StageStarted
from mltrain.models import ModelFamily
from mltrain.plan import ENSEMBLE
from mltrain.search import SearchJob, Trial, search
from mltrain.tracking import training as log

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A family that gave no candidate."""

    model: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A searched family, and its line in the leaderboard when it became a run of this session."""

    searched: Searched
    line: CandidateLine | None = None


def train_family(session: Session, name: str, family: ModelFamily, *, deadline: float | None) -> Found | LeftOut:
    """Search one family and keep its best trial as a run.

    Parameters
    ----------
    deadline : float, optional
        `time.monotonic` value by which its model is saved.

    Raises
    ------
    mltrain.errors.MltrainError
        Not the family is at fault: the disk, the device or the user said no.
    """
    try:
        return _train_family(session, name, family, deadline=deadline)
    except MltrainError:
        raise
    except Exception as error:
        # A family may be anybody's plug-in: one that breaks must not take the others along.
        logger.info("%s broke", name, exc_info=True)
        return LeftOut(model=name, reason=f"{type(error).__name__}: {error}")


def recall_family(session: Session, name: str, family: ModelFamily, *, deadline: float | None) -> Found | LeftOut:
    """Take up a family's finished trials from its journal without trying another."""
    encoder = session.view(family.view).encoder
    job = session.job(name, family, max_trials=0)
    study = search(job, executor=session.executor, journal_dir=session.workspace.studies, deadline=None)
    kept = keep(study, job, encoder=encoder, recipe=session.recipe, executor=session.executor, deadline=deadline)
    if kept is None:
        return LeftOut(model=name, reason="no earlier session left trials of it")
    return Found(searched=Searched(job=job, study=study, encoder=encoder, kept=kept))


def train_ensemble(session: Session, searched: list[Searched]) -> CandidateLine:
    """Build the voting ensemble and keep it as a run."""
    started = time.monotonic()
    session.listener(StageStarted(stage=ENSEMBLE, detail=f"{len(searched)} families vote"))
    with session.tracked.run(ENSEMBLE, start_tags(session, ENSEMBLE)) as run:
        kept = keep_ensemble(
            searched,
            recipe=session.recipe,
            executor=session.executor,
            deadline=session.budget.ensemble_deadline(started),
        )
        line = leave(session, run, kept, study=None, seconds=time.monotonic() - started)
    session.listener(StageFinished(stage=ENSEMBLE, seconds=line.seconds, detail=f"{line.validation_score:.4f}"))
    return line


def _train_family(session: Session, name: str, family: ModelFamily, *, deadline: float | None) -> Found | LeftOut:
    started = time.monotonic()
    encoder = session.view(family.view).encoder
    job = session.job(name, family, max_trials=session.request.max_trials or session.config.train.max_search_iters)
    with session.tracked.run(name, start_tags(session, name)) as run:
        study = search(
            job,
            executor=session.executor,
            journal_dir=session.workspace.studies,
            deadline=deadline,
            reserve=None if deadline is None else partial(_reserve, job, session.recipe, deadline - started),
            fresh=session.request.fresh,
            listener=_both(session.listener, log.trial_listener(run, name)),
        )
        kept = keep(study, job, encoder=encoder, recipe=session.recipe, executor=session.executor, deadline=deadline)
        if kept is None:
            reason = next((t.error for t in study.trials if t.error), "no trial ended in time")
            log.leave_out(run, reason)
            run.finish("failed")
            return LeftOut(model=name, reason=reason)
        line = leave(session, run, kept, study=study, seconds=time.monotonic() - started)
    return Found(searched=Searched(job=job, study=study, encoder=encoder, kept=kept), line=line)


def _reserve(job: SearchJob, recipe: Recipe, share_s: float, best: Trial | None, is_at_hand: bool) -> float:
    return seconds_after_search(job, recipe, best, is_at_hand=is_at_hand, share_s=share_s)


def _both(one: Listener, other: Listener) -> Listener:
    def listen(event: Event) -> None:
        one(event)
        other(event)

    return listen
