"""The final fit of a trial: one model on all rows, or the models of its folds.

Refits of several trials run side by side; each is begun only when its forecast ends before the deadline.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal, TypeAlias

from mltrain.development import first_repeat
from mltrain.errors import MltrainError
from mltrain.model import Member
from mltrain.models import Fitted
from mltrain.prediction_cost import n_affordable
from mltrain.search import (
    Executor,
    SearchJob,
    Study,
    Trial,
    fit_folds,
    fold_proba,
    out_of_fold,
    refit_all,
    rounds_for_all,
    score_of,
    score_of_fold,
)

# A refit is begun that needs no more luck than this: refits took 0.6 to 1.0 of what was forecast, and one that cannot
# end in time ends at the deadline all the same.
_LUCK = 0.75
# Fits that take all cores take them one after the other.
_WIDE = Lock()

FinalFit: TypeAlias = Literal["refit", "bag", "fold", "vote"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Final:
    """The models that a trial ends up with.

    Attributes
    ----------
    members : tuple of Member
        Their weights sum to 1.
    kind : {"refit", "bag", "fold"}
        One model on all rows; the average of the fold models; the model of the holdout search itself.
    notes : tuple of str
        What the user should know, such as a refit that there was no time for.
    cut : Trial, optional
        What the trial became where its fold models had to be fitted again and the clock cut them short: its score and
        predictions are those of ``members``.
    """

    members: tuple[Member, ...]
    kind: FinalFit
    notes: tuple[str, ...] = ()
    cut: Trial | None = None


def start_refit(
    study: Study, job: SearchJob, trial: Trial, *, executor: Executor, deadline: float | None, repeat: int = 0
) -> Future[Fitted | None]:
    """Hand the refit of a trial on all rows to the executor.

    Parameters
    ----------
    repeat : int
        Which of several refits, see `mltrain.search.refit_all`.
    deadline : float, optional
        `time.monotonic` value. A refit that cannot end by then, as far as the folds of its trial tell, is not begun.

    Returns
    -------
    Future of Fitted
        Of None when there was no time; what it began and could not end in time is thrown away.
    """
    return executor.submit(_refit, study, job, trial, executor, deadline, repeat)


def fit_finally(
    study: Study,
    job: SearchJob,
    trial: Trial,
    *,
    executor: Executor,
    deadline: float | None,
    refit: Future[Fitted | None] | None = None,
) -> Final:
    """Return the refitted model of a trial where one was begun and ended in time, else its fold models."""
    refitted, problem = refit_outcome(refit)
    if refitted is not None:
        member = refitted_member(job, trial, refitted)
        return Final(members=(member,), kind="refit", notes=refitted.notes)
    fitted = fold_models(study, job, trial, executor=executor, deadline=deadline)
    notes: tuple[str, ...] = () if problem is None else (problem,)
    cut = _cut_trial(job, trial, fitted)
    n_rounds = [f.n_rounds for f in fitted[: len(first_repeat(job.folds))]]
    members = fold_members(job, fitted, n_models=n_affordable(job, trial.params, n_rounds))
    if len(members) < len(first_repeat(job.folds)):
        n_folds = len(first_repeat(job.folds))
        notes += (f"keeps {len(members)} of its {n_folds} fold models, so that predictions stay fast",)
    return Final(members=members, kind="bag" if len(fitted) > 1 else "fold", notes=notes, cut=cut)


def refit_outcome(refit: Future[Fitted | None] | None) -> tuple[Fitted | None, str | None]:
    """Return the refitted model, or None and why there is none; what is ours or the user's is raised."""
    if refit is None:
        return None, None
    error = refit.exception()
    if isinstance(error, MltrainError) or not isinstance(error, Exception | None):
        raise error
    if error is not None:
        return None, f"the refit on all rows failed: {type(error).__name__}: {error}"
    refitted = refit.result()
    return refitted, None if refitted is not None else "no time was left to refit on all rows"


def replaced_by_refits(
    job: SearchJob, trial: Trial, members: Sequence[Member], refits: Sequence[Fitted], *, sharpness: float
) -> Sequence[Member]:
    """Return the models of a voter, the first ones replaced by those fitted on all rows: shares stay what they are.

    Parameters
    ----------
    sharpness : float
        The voter's; that of its trial comes on top.
    """
    n_replaced = min(len(members), len(refits))
    replaced = [
        refitted_member(job, trial, refit, weight=member.weight, sharpness=sharpness)
        for member, refit in zip(members, refits, strict=False)
    ]
    return (*replaced, *members[n_replaced:])


def refitted_member(
    job: SearchJob, trial: Trial, refit: Fitted, *, weight: float = 1.0, sharpness: float = 1.0
) -> Member:
    """Return the model of a trial on all rows, no row of which tells how sure of itself it may be: its folds do."""
    return Member(
        family=job.name,
        weight=weight,
        fitted=refit.model,
        features=job.final_features,
        sharpness=sharpness * trial.mean_sharpness,
    )


def fold_models(
    study: Study, job: SearchJob, trial: Trial, *, executor: Executor, deadline: float | None
) -> tuple[Fitted, ...]:
    """Return the fold models of a trial: those at hand, or, after a resume, the same ones fitted again."""
    at_hand = study.models.get(trial.number)
    return at_hand or fit_folds(job, trial, executor=executor, deadline=deadline, prepared=study.prepared)


def _cut_trial(job: SearchJob, trial: Trial, fitted: Sequence[Fitted]) -> Trial | None:
    """Return what a trial became whose models the clock cut short when they were fitted again; None: they are its own.

    A fit that the clock ended after its best round gives the same model.
    """
    if all(f.stopped != "deadline" or f.n_rounds == n for f, n in zip(fitted, trial.n_rounds, strict=True)):
        return None
    proba = out_of_fold(fitted)
    return replace(
        trial,
        state="cut",
        score=score_of(job, proba),
        fold_scores=tuple(_fold_scores(job, fitted)),
        fold_losses=tuple(min(f.valid_losses, default=math.nan) for f in fitted),
        proba=proba,
        n_rounds=tuple(f.n_rounds for f in fitted),
        sharpness=tuple(f.sharpness for f in fitted),
    )


def _fold_scores(job: SearchJob, fitted: Sequence[Fitted]) -> Iterator[float]:
    """Yield the score of each fold's model on the rows that it validates."""
    for fold, model in zip(job.folds, fitted, strict=True):
        yield score_of_fold(job.metric, job.y[fold.valid], fold_proba(model), sharpens=job.sharpens)


def fold_members(
    job: SearchJob,
    fitted: Sequence[Fitted],
    *,
    n_models: int,
    weight: float = 1.0,
    sharpness: float = 1.0,
) -> tuple[Member, ...]:
    """Return the fold models of the first repeat as members that share ``weight`` equally.

    Those of further repeats serve the score alone: together the first ones have seen every row, and each model more
    costs time at every prediction. ``n_models`` are kept at most: where all would take too long, as with hundreds of
    rounds of many classes, those that `mltrain.prediction_cost` allows.
    """
    folds = first_repeat(job.folds)[:n_models]
    return tuple(
        Member(
            family=job.name,
            weight=weight / len(folds),
            fitted=f.model,
            features=fold.features,
            sharpness=sharpness * f.sharpness,
        )
        for f, fold in zip(fitted, folds, strict=False)
    )


def refit_seconds(job: SearchJob, trial: Trial) -> float:
    """Forecast the seconds of one fit on all rows, with the threads of the trial, from those of its folds.

    A fold went on for a while after its best round; the refit does not. On adult the refits of five families took 0.6
    to 1.0 of this.
    """
    n_fitted = sum(len(fold.train) for fold in job.folds)
    n_run = max(trial.curve.loss_rounds, default=0)
    share = rounds_for_all(job, trial) / n_run if n_run else 1.0
    return 1.1 * trial.seconds * share * len(job.y) / max(n_fitted, 1)


def prepare_seconds(job: SearchJob, searched_s: float) -> float:
    """Forecast the seconds that getting all rows ready for one fit takes, from those that it took for the folds."""
    return searched_s * len(job.y) / max(sum(len(fold.train) for fold in job.folds), 1)


def _refit(
    study: Study, job: SearchJob, trial: Trial, executor: Executor, deadline: float | None, repeat: int
) -> Fitted | None:
    """Refit when it should end before the deadline; None when it should not, or did not."""
    # Refits of a study that run beside one another take as many each: a library may know but one number of threads.
    threads = min(max(known.threads for known in (trial, *study.trials)), executor.n_cores)
    with _WIDE if threads > 1 else nullcontext():
        needed_s = prepare_seconds(job, study.prepare_s) + _LUCK * refit_seconds(job, trial)
        if deadline is not None and time.monotonic() + needed_s > deadline:
            return None
        fitted = refit_all(job, trial, threads=threads, deadline=deadline, repeat=repeat)
    return None if fitted.stopped == "deadline" else fitted
