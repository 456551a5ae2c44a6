"""The families of a session, from their search to their runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from mltrain.candidate import affordable_trial
from mltrain.commands.train.ballot import Ballot
from mltrain.commands.train.leaving import CandidateLine, leave, start_tags
from mltrain.commands.train.session import Session
from mltrain.ensemble.voters import Searched, without_data
from mltrain.errors import MltrainError
from mltrain.events import Event, Listener
from mltrain.final_fit import refit_seconds
from mltrain.keeping import (
    Pending,
    begin_finals,
    finals_end,
    keep_pending,
    let_go_of_prepared,
    search_ends,
    why_none,
)
from mltrain.models import ModelFamily
from mltrain.plan import ENSEMBLE
from mltrain.search import Ends, SearchJob, Study, search
from mltrain.tracking import Run
from mltrain.tracking import training as log

_Result = TypeVar("_Result")
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


def train_families(
    session: Session,
    families: Mapping[str, ModelFamily],
    *,
    deadline: float | None,
    voters_s: float = 0.0,
    ballot: Ballot | None = None,
) -> list[Found | LeftOut]:
    """Search families together and keep the best trial of each as a run; one that breaks leaves the others alone.

    Parameters
    ----------
    deadline : float, optional
        `time.monotonic` value by which their models are saved.
    voters_s : float
        Seconds before it, at most, that the search leaves for refits of further trials, which the ensemble does.
    ballot : Ballot, optional
        Begun as soon as all of them have a model.

    Raises
    ------
    mltrain.errors.MltrainError
        Not a family is at fault: the disk, the device or the user said no.
    """
    found: list[Found | LeftOut] = []
    jobs: list[SearchJob] = []
    max_trials = session.request.max_trials or session.material.config.train.max_search_iters
    for name, family in families.items():
        job = _unless_it_breaks(name, partial(session.material.job, name, family, max_trials=max_trials))
        found += [job] if isinstance(job, LeftOut) else []
        jobs += [job] if isinstance(job, SearchJob) else []
    if not jobs:
        return found
    return found + _search_and_keep(session, jobs, deadline=deadline, voters_s=voters_s, ballot=ballot)


def recall_family(session: Session, name: str, family: ModelFamily, *, deadline: float | None) -> Found | LeftOut:
    """Take up a family's finished trials from its journal without trying another.

    Parameters
    ----------
    deadline : float, optional
        `time.monotonic` value by which the models of its best trial are there again.
    """

    def act() -> Found | LeftOut:
        job = session.material.job(name, family, max_trials=0)
        ends = Ends(deadline=None)
        (study,) = search((job,), executor=session.executor, journal_dir=session.workspace.studies, ends=ends)
        encoder = session.material.view(family.view).encoder
        (pending,) = begin_finals([(job, study)], session.material, session.executor, deadline=deadline)
        if pending.trial is None:
            return LeftOut(model=name, reason="no earlier session left trials of it")
        kept = keep_pending(pending, session.material, session.executor, deadline=deadline)
        searched = Searched(job=job, study=study, encoder=encoder, kept=kept)
        return Found(searched=without_data(searched) if session.material.is_large else searched)

    return _unless_it_breaks(name, act)


def _search_and_keep(
    session: Session, jobs: list[SearchJob], *, deadline: float | None, voters_s: float, ballot: Ballot | None
) -> list[Found | LeftOut]:
    with ExitStack() as open_runs:
        closings = {job.name: open_runs.enter_context(ExitStack()) for job in jobs}
        runs = {
            job.name: closings[job.name].enter_context(session.tracked.run(job.name, start_tags(session, job.name)))
            for job in jobs
        }
        draws_figures = session.budget.draws_figures
        ends = search_ends(
            jobs,
            session.material,
            session.executor,
            deadline=deadline,
            family_s=session.budget.family_s,
            draws_figures=draws_figures,
            voters_s=voters_s,
        )
        studies = search(
            jobs,
            executor=session.executor,
            journal_dir=session.workspace.studies,
            ends=ends,
            fresh=session.request.fresh,
            listener=_all(session.listener, *(log.trial_listener(runs[job.name], job.name) for job in jobs)),
        )
        studies = let_go_of_prepared(studies, session.material)
        # The longest refit first: they run side by side.
        by_length = sorted(zip(jobs, studies, strict=True), key=lambda pair: -_refit_s(session, *pair))
        refits_end = finals_end(jobs, deadline=deadline, draws_figures=draws_figures)
        begun = begin_finals(by_length, session.material, session.executor, deadline=refits_end)
        pending = {family.job.name: family for family in begun}
        found: dict[str, Found | LeftOut] = {}
        for group in _turns(pending, waits_for_refits=session.material.recipe.final_fit == "refit"):
            kept: dict[str, Searched | LeftOut] = {}
            spent_s: dict[str, float] = {}
            for name in group:
                started = time.monotonic()
                kept[name] = _searched_or_left_out(session, pending[name], deadline=refits_end)
                spent_s[name] = time.monotonic() - started
            searched = [family for family in kept.values() if isinstance(family, Searched)]
            if ballot is not None and session.material.recipe.refits_voters and len(searched) > 1:
                # What breaks here breaks again once all are saved, and is told then: finished work comes first.
                _unless_it_breaks(ENSEMBLE, partial(ballot.begin, searched))
            for name in group:
                found[name] = _left(session, name, runs[name], kept[name], spent_s=spent_s[name])
                closings[name].close()  # its run ends now: the tracker takes it while the others are kept
        return [found[job.name] for job in jobs]


def _turns(pending: Mapping[str, Pending], *, waits_for_refits: bool) -> Iterator[list[str]]:
    """Yield who is kept together, as soon as may be.

    Where refits run, it is one after the other, whose refit has ended first: what is calibrated, drawn and saved then
    runs beside the longer refits.
    """
    if not waits_for_refits:
        yield list(pending)
        return
    waiting = dict(pending)
    while waiting:
        running = [family.refit for family in waiting.values() if family.refit is not None]
        name = next((n for n, family in waiting.items() if family.refit is None or family.refit.done()), None)
        if name is None:
            wait(running, return_when=FIRST_COMPLETED)
        else:
            del waiting[name]
            yield [name]


def _refit_s(session: Session, job: SearchJob, study: Study) -> float:
    trial = affordable_trial(study, session.material.recipe, executor=session.executor, deadline=None)
    return 0.0 if trial is None else refit_seconds(job, trial)


def _searched_or_left_out(session: Session, pending: Pending, *, deadline: float | None) -> Searched | LeftOut:
    """Fit and calibrate the best trial of a family."""

    def act() -> Searched | LeftOut:
        job, study = pending.job, pending.study
        if pending.trial is None:
            if study.broken is not None:
                raise study.broken
            return LeftOut(model=job.name, reason=why_none(study))
        kept = keep_pending(pending, session.material, session.executor, deadline=deadline)
        encoder = session.material.view(job.view.kind).encoder
        return Searched(job=job, study=study, encoder=encoder, kept=kept)

    return _unless_it_breaks(pending.job.name, act)


def _left(session: Session, name: str, run: Run, searched: Searched | LeftOut, *, spent_s: float) -> Found | LeftOut:
    """Save what is kept of a family as its run; ``spent_s`` went by since its search while it was made."""

    def act(searched: Searched) -> Found:
        study = searched.study
        line = leave(session, run, searched.kept, study=study, seconds=study.seconds + spent_s)
        return Found(searched=without_data(searched) if session.material.is_large else searched, line=line)

    found = searched if isinstance(searched, LeftOut) else _unless_it_breaks(name, partial(act, searched))
    if isinstance(found, LeftOut):
        log.leave_out(run, found.reason)
        run.finish("failed")
    return found


def _unless_it_breaks(name: str, act: Callable[[], _Result]) -> _Result | LeftOut:
    """Do something with a family, which may be anybody's plug-in: one that breaks must not take the others along."""
    try:
        return act()
    except MltrainError:
        raise
    except Exception as error:
        logger.info("%s broke", name, exc_info=True)
        return LeftOut(model=name, reason=f"{type(error).__name__}: {error}")


def _all(*listeners: Listener) -> Listener:
    def listen(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return listen
