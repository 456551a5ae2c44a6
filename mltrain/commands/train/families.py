"""The families of a session, from their search to their runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from mltrain.candidate import Candidate, affordable_trial, fit_again_s, keep
from mltrain.commands.train.ballot import Ballot
from mltrain.commands.train.leaving import CandidateLine, leave, start_tags
from mltrain.commands.train.session import Session
from mltrain.ensemble.voters import Searched, without_data
from mltrain.errors import MltrainError
from mltrain.events import Event, Listener
from mltrain.final_fit import fit_finally, refit_seconds, start_refit
from mltrain.models import Fitted, ModelFamily
from mltrain.plan import ENSEMBLE
from mltrain.reserve import Allowance, keeping_seconds, seconds_after_search
from mltrain.search import Ends, SearchJob, Study, Trial, search
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
        pending = _begin_final(session, job, study, deadline=deadline)
        if pending.trial is None:
            return LeftOut(model=name, reason="no earlier session left trials of it")
        kept = _kept(session, pending, deadline=deadline)
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
        reserve = None
        if deadline is not None:
            share_s, n_cores = (deadline - time.monotonic()) / len(jobs), session.executor.n_cores
            draws_figures = session.budget.draws_figures
            allowance = Allowance(
                share_s=share_s,
                n_cores=n_cores,
                n_families=len(jobs),
                draws_figures=draws_figures,
                voters_s=voters_s,
            )
            reserve = partial(seconds_after_search, recipe=session.material.recipe, allowance=allowance)
        studies = search(
            jobs,
            executor=session.executor,
            journal_dir=session.workspace.studies,
            ends=Ends(deadline=deadline, family_s=session.budget.family_s, reserve=reserve),
            fresh=session.request.fresh,
            listener=_all(session.listener, *(log.trial_listener(runs[job.name], job.name) for job in jobs)),
        )
        if session.material.is_large:
            # As large as a part of the table, and a fit on all rows makes its own.
            studies = tuple(replace(study, prepared=None) for study in studies)
        # The longest refit first: they run side by side.
        by_length = sorted(zip(jobs, studies, strict=True), key=lambda pair: -_refit_s(session, *pair))
        refits_end = None if deadline is None else _refits_end(session, jobs, deadline)
        pending = {p.job.name: p for p in _begin_finals(session, by_length, deadline=refits_end)}
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pending:
    """A family that was searched, the trial to keep of it, and its refit, which may still run."""

    job: SearchJob
    study: Study
    trial: Trial | None
    refit: Future[Fitted | None] | None


def _turns(pending: Mapping[str, _Pending], *, waits_for_refits: bool) -> Iterator[list[str]]:
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


def _begin_finals(
    session: Session, searched: Sequence[tuple[SearchJob, Study]], *, deadline: float | None
) -> Iterator[_Pending]:
    """Settle what is kept of each family in turn: fold models that one fits again take the time of the next."""
    promised_s = 0.0
    for job, study in searched:
        pending = _begin_final(session, job, study, deadline=deadline, promised_s=promised_s)
        if pending.trial is not None and pending.refit is None:
            promised_s += fit_again_s(study, pending.trial, n_cores=session.executor.n_cores)
        yield pending


def _begin_final(
    session: Session, job: SearchJob, study: Study, *, deadline: float | None, promised_s: float = 0.0
) -> _Pending:
    affordable_by = None if deadline is None else deadline - promised_s
    trial = affordable_trial(study, session.material.recipe, executor=session.executor, deadline=affordable_by)
    refit = None
    if session.material.recipe.final_fit == "refit" and trial is not None:
        refit = start_refit(study, job, trial, executor=session.executor, deadline=deadline)
    return _Pending(job=job, study=study, trial=trial, refit=refit)


def _refits_end(session: Session, jobs: list[SearchJob], deadline: float) -> float:
    """Return when refits end, so that families can still be kept whose refits end last: three quarters, say."""
    keeping_s = 0.75 * sum(keeping_seconds(job, draws_figures=session.budget.draws_figures) for job in jobs)
    return deadline - min(keeping_s, 0.5 * max(deadline - time.monotonic(), 0.0))


def _refit_s(session: Session, job: SearchJob, study: Study) -> float:
    trial = affordable_trial(study, session.material.recipe, executor=session.executor, deadline=None)
    return 0.0 if trial is None else refit_seconds(job, trial)


def _searched_or_left_out(session: Session, pending: _Pending, *, deadline: float | None) -> Searched | LeftOut:
    """Fit and calibrate the best trial of a family."""

    def act() -> Searched | LeftOut:
        job, study = pending.job, pending.study
        if pending.trial is None:
            if study.broken is not None:
                raise study.broken
            reason = next((t.error for t in study.trials if t.error), "no trial ended in time")
            return LeftOut(model=job.name, reason=reason)
        kept = _kept(session, pending, deadline=deadline)
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


def _kept(session: Session, pending: _Pending, *, deadline: float | None) -> Candidate:
    job, study, trial = pending.job, pending.study, pending.trial
    assert trial is not None
    final = fit_finally(study, job, trial, executor=session.executor, deadline=deadline, refit=pending.refit)
    encoder = session.material.view(job.view.kind).encoder
    return keep(study, job, trial=trial, final=final, encoder=encoder, recipe=session.material.recipe)


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
