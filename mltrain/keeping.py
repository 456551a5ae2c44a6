"""From families that were searched to what is kept of each: its trial, its refit, its candidate, and the time for that.

`train` keeps several families side by side, `tune` one. It knows nothing of runs, trackers and files.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from mltrain.candidate import Candidate, affordable_trial, fit_again_s, keep
from mltrain.final_fit import fit_finally, start_refit
from mltrain.jobs import Material
from mltrain.models import Fitted
from mltrain.reserve import Allowance, keeping_seconds, seconds_after_search
from mltrain.search import Ends, Executor, SearchJob, Study, Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A family that was searched, the trial to keep of it, and its refit, which may still run.

    Attributes
    ----------
    trial : Trial, optional
        None where no trial has a score.
    refit : Future of Fitted, optional
        None where fold models are kept.
    """

    job: SearchJob
    study: Study
    trial: Trial | None
    refit: Future[Fitted | None] | None


def search_ends(
    jobs: Sequence[SearchJob],
    material: Material,
    executor: Executor,
    *,
    deadline: float | None,
    family_s: float | None,
    draws_figures: bool,
    voters_s: float = 0.0,
) -> Ends:
    """Return what ends the search of families, with the time kept back for their candidates.

    Parameters
    ----------
    deadline : float, optional
        `time.monotonic` value by which the candidates are there.
    family_s : float, optional
        Seconds that one family may have all cores for.
    voters_s : float
        Seconds before the deadline, at most, for refits of further trials, which an ensemble does.
    """
    if deadline is None:
        return Ends(deadline=None, family_s=family_s)
    allowance = Allowance(
        share_s=(deadline - time.monotonic()) / len(jobs),
        n_cores=executor.n_cores,
        n_families=len(jobs),
        draws_figures=draws_figures,
        voters_s=voters_s,
    )
    reserve = partial(seconds_after_search, recipe=material.recipe, allowance=allowance)
    return Ends(deadline=deadline, family_s=family_s, reserve=reserve)


def let_go_of_prepared(studies: Sequence[Study], material: Material) -> tuple[Study, ...]:
    """Return the studies, of large data without what their fits shared.

    It is as large as a part of the table, and a fit on all rows makes its own.
    """
    return tuple(replace(study, prepared=None) for study in studies) if material.is_large else tuple(studies)


def finals_end(jobs: Sequence[SearchJob], *, deadline: float | None, draws_figures: bool) -> float | None:
    """Return when refits end, so that families can still be kept whose refits end last: three quarters, say."""
    if deadline is None:
        return None
    keeping_s = 0.75 * sum(keeping_seconds(job, draws_figures=draws_figures) for job in jobs)
    return deadline - min(keeping_s, 0.5 * max(deadline - time.monotonic(), 0.0))


def begin_finals(
    searched: Sequence[tuple[SearchJob, Study]], material: Material, executor: Executor, *, deadline: float | None
) -> Iterator[Pending]:
    """Settle what is kept of each family in turn: fold models that one fits again take the time of the next."""
    promised_s = 0.0
    for job, study in searched:
        affordable_by = None if deadline is None else deadline - promised_s
        trial = affordable_trial(study, material.recipe, executor=executor, deadline=affordable_by)
        refit = None
        if material.recipe.final_fit == "refit" and trial is not None:
            refit = start_refit(study, job, trial, executor=executor, deadline=deadline)
        elif trial is not None:
            promised_s += fit_again_s(study, trial, n_cores=executor.n_cores)
        yield Pending(job=job, study=study, trial=trial, refit=refit)


def keep_pending(pending: Pending, material: Material, executor: Executor, *, deadline: float | None) -> Candidate:
    """Fit the trial to keep of a family finally, and calibrate it.

    Parameters
    ----------
    pending : Pending
        One with a trial.
    deadline : float, optional
        `time.monotonic` value by which fold models that have to be fitted again are there.
    """
    job, study, trial = pending.job, pending.study, pending.trial
    assert trial is not None
    final = fit_finally(study, job, trial, executor=executor, deadline=deadline, refit=pending.refit)
    encoder = material.view(job.view.kind).encoder
    return keep(study, job, trial=trial, final=final, encoder=encoder, recipe=material.recipe)


def why_none(study: Study) -> str:
    """Say why a study has no trial that could be kept."""
    return next((trial.error for trial in study.trials if trial.error), "no trial ended in time")
