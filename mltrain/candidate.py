"""A kept model: the final fit of the best trial, calibrated, with its threshold.

Calibration and threshold come from predictions for rows that the model did not learn from: the trial's out-of-fold
predictions, or a calibration split of their own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.calibration import Calibrator, calibrate, choose_calibrator
from mltrain.data import Schema
from mltrain.metrics import Metric
from mltrain.model import Member, Model
from mltrain.models import Fitted, Proba, ViewKind
from mltrain.preprocessing import Encoder
from mltrain.search import Executor, SearchJob, Study, Trial, fit_folds, rank_trials, refit_all
from mltrain.threshold import best_threshold, decide

# Measured on one core for two and for 26 classes; calibration samples rows above 400,000 cells.
_CALIBRATION_S_PER_CELL = 4e-6

FinalFit: TypeAlias = Literal["refit", "bag", "fold", "vote"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """Predictions for rows that the model did not learn from, in the order of the class codes.

    Attributes
    ----------
    parts : ndarray of shape (n_samples,), optional
        Number of the fold that each row belongs to, when there are several.
    """

    y: NDArray[np.int64]
    proba: Proba
    parts: NDArray[np.intp] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationSplit:
    """Rows kept for calibration and the threshold alone; ``table`` is conformed."""

    table: pa.Table
    y: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What all candidates of a session share.

    Attributes
    ----------
    final_fit : {"refit", "bag"}
        Refit on all rows with the best rounds, or keep the average of the fold models.
    calibration : str
        A method of `mltrain.calibration`, ``auto`` or ``none``.
    """

    schema: Schema
    metric: Metric
    final_fit: Literal["refit", "bag"]
    calibration: str
    seed: int
    calibration_split: CalibrationSplit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A model that may become champion.

    Attributes
    ----------
    validation_score : float
        Score of held-out predictions before calibration, never of rows that weights or folds were fitted on.
    held_out : HeldOut
        The same predictions after calibration.
    final_fit : {"refit", "bag", "fold", "vote"}
        ``fold``: the model of the holdout search itself; ``vote``: members keep the fits they have.
    trial : Trial, optional
        The trial behind it; None for an ensemble.
    weights : mapping of "family#trial" to float
        What an ensemble is made of.
    notes : tuple of str
        What the user should know of how it came about, such as a clock that cut it short.
    """

    model: Model
    validation_score: float
    held_out: HeldOut
    final_fit: FinalFit
    trial: Trial | None = None
    weights: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()


def best_trials(study: Study, metric: Metric, *, n: int = 1) -> tuple[Trial, ...]:
    """Return the ``n`` best trials that have a score and predictions, best first; whole ones before those cut short."""
    return tuple(t for t in rank_trials(study.trials, metric) if t.proba is not None and t.state != "pruned")[:n]


def keep(
    study: Study,
    job: SearchJob,
    *,
    encoder: Encoder,
    recipe: Recipe,
    executor: Executor,
    deadline: float | None,
) -> Candidate | None:
    """Fit, calibrate and set the threshold of a study's best trial; None when no trial has a score.

    Parameters
    ----------
    deadline : float, optional
        `time.monotonic` value by which the final fit ends; a refit that cannot end by then is not begun, and the models
        of the search are kept instead.
    """
    trial = _affordable(study, best_trials(study, recipe.metric, n=10), executor=executor, deadline=deadline)
    if trial is None or trial.score is None or trial.proba is None:
        return None
    final = _fit_finally(study, job, trial, recipe=recipe, executor=executor, deadline=deadline)
    held_out = HeldOut(y=validated_y(job), proba=trial.proba.astype(np.float64), parts=validated_parts(job))
    model, held_out = assemble(
        study.name, final.members, encoders={job.view.kind: encoder}, held_out=held_out, recipe=recipe
    )
    return Candidate(
        model=model,
        validation_score=trial.score,
        held_out=held_out,
        final_fit=final.kind,
        trial=trial,
        notes=final.notes + _clock_notes(trial),
    )


def assemble(
    name: str,
    members: Sequence[Member],
    *,
    encoders: Mapping[ViewKind, Encoder],
    held_out: HeldOut,
    recipe: Recipe,
) -> tuple[Model, HeldOut]:
    """Make a calibrated model with a threshold from members and predictions they were not fitted on.

    Returns
    -------
    Model
    HeldOut
        The predictions behind calibration and threshold, calibrated.
    """
    model = Model(recipe.schema, dict(encoders), members=tuple(members), name=name)
    if recipe.calibration_split is not None:
        split = recipe.calibration_split
        held_out = HeldOut(y=split.y, proba=model.raw_proba(split.table))
    calibrator = choose(held_out, recipe)
    proba = held_out.proba if calibrator is None else calibrate(calibrator, held_out.proba)
    model.set_params(calibrator=calibrator, threshold=decision_threshold(held_out.y, proba, metric=recipe.metric))
    return model, HeldOut(y=held_out.y, proba=proba)


def choose(held_out: HeldOut, recipe: Recipe) -> Calibrator | None:
    """Return the calibrator that the recipe asks for, or None."""
    if recipe.calibration == "none" or len(np.unique(held_out.y)) < 2:
        return None
    return choose_calibrator(
        held_out.proba, held_out.y, method=recipe.calibration, seed=recipe.seed, parts=held_out.parts
    )


def decision_threshold(y: NDArray[np.int64], proba: Proba, *, metric: Metric) -> float | None:
    """Return the best threshold of two classes for a metric of decisions, or None: 0.5, or more classes."""
    if proba.shape[1] != 2 or metric.needs != "labels":
        return None
    return best_threshold(metric, y, proba[:, 1]).value


def decisions(candidate: Candidate) -> NDArray[np.int64]:
    """Return the class codes decided for the held-out rows."""
    return decide(candidate.held_out.proba, candidate.model.threshold)


def validated_y(job: SearchJob) -> NDArray[np.int64]:
    """Return y of the rows that trials predict out of fold, in the order of `Trial.proba`."""
    return job.y[job.valid_rows]


def validated_parts(job: SearchJob) -> NDArray[np.intp] | None:
    """Return the fold of each row that trials predict out of fold; None for a single holdout."""
    if len(job.folds) < 2:
        return None
    return np.concatenate([np.full(len(fold.valid), number) for number, fold in enumerate(job.folds)])


def fold_models(
    study: Study, job: SearchJob, trial: Trial, *, executor: Executor, deadline: float | None
) -> tuple[Fitted, ...]:
    """Return the fold models of a trial: those at hand, or, after a resume, the same ones fitted again."""
    at_hand = study.models.get(trial.number)
    return at_hand or fit_folds(job, trial, executor=executor, deadline=deadline, prepared=study.prepared)


def fold_members(job: SearchJob, fitted: Sequence[Fitted], *, weight: float = 1.0) -> tuple[Member, ...]:
    """Return fold models as members that share ``weight`` equally."""
    return tuple(
        Member(family=job.name, weight=weight / len(fitted), fitted=f.model, features=fold.features)
        for f, fold in zip(fitted, job.folds, strict=True)
    )


def _clock_notes(trial: Trial) -> tuple[str, ...]:
    if trial.state != "cut":
        return ()
    rounds = ", ".join(map(str, trial.n_rounds))
    return (f"the clock cut its best trial short, at {rounds} rounds: more time will make it better",)


def _affordable(study: Study, ranked: Sequence[Trial], *, executor: Executor, deadline: float | None) -> Trial | None:
    """Return the best trial whose fold models are at hand, or, after a resume, can be fitted again in time."""
    for trial in ranked:
        again_s = 0.0 if trial.number in study.models else trial.seconds / executor.n_slots
        if deadline is None or again_s == 0 or time.monotonic() + again_s < deadline:
            return trial
    return next(iter(ranked), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Final:
    members: tuple[Member, ...]
    kind: FinalFit
    notes: tuple[str, ...] = ()


def _fit_finally(
    study: Study, job: SearchJob, trial: Trial, *, recipe: Recipe, executor: Executor, deadline: float | None
) -> _Final:
    if recipe.final_fit == "refit":
        refitted = _refit(job, trial, executor=executor, deadline=deadline)
        if refitted is not None:
            member = Member(family=job.name, weight=1.0, fitted=refitted.model, features=job.final_features)
            return _Final(members=(member,), kind="refit", notes=refitted.notes)
    fitted = fold_models(study, job, trial, executor=executor, deadline=deadline)
    notes: tuple[str, ...] = ("no time was left to refit on all rows",) if recipe.final_fit == "refit" else ()
    if trial.state == "complete" and any(f.stopped == "deadline" for f in fitted):
        notes += ("the clock cut its models short: they are not those that were scored",)
    kind: FinalFit = "bag" if len(fitted) > 1 else "fold"
    return _Final(members=fold_members(job, fitted), kind=kind, notes=notes)


def _refit(job: SearchJob, trial: Trial, *, executor: Executor, deadline: float | None) -> Fitted | None:
    """Refit on all rows when the forecast fits before the deadline; None when it does not, or did not end in time."""
    if deadline is not None and time.monotonic() + refit_seconds(job, trial) > deadline:
        return None
    fitted = refit_all(job, trial, executor=executor, deadline=deadline)
    return None if fitted.stopped == "deadline" else fitted


def seconds_after_search(
    job: SearchJob, recipe: Recipe, best: Trial | None, *, is_at_hand: bool, share_s: float
) -> float:
    """Forecast what keeping a trial takes once the search has ended: its final fit, calibration and saving.

    Parameters
    ----------
    best : Trial, optional
        The best one so far; None before any has ended.
    is_at_hand : bool
        Its fold models are in memory; those of a resumed trial are not.
    share_s : float
        Seconds that search and final fit have together; the forecast is never more than half of it.
    """
    n_cells = len(job.valid_rows) * job.objective.n_classes
    seconds = 0.2 + 0.02 * share_s + min(n_cells, 400_000) * _CALIBRATION_S_PER_CELL
    if recipe.final_fit == "refit":
        seconds += 0.2 * share_s if best is None else refit_seconds(job, best)
    elif best is not None and not is_at_hand:
        seconds += best.seconds
    return min(seconds, 0.5 * share_s)


def refit_seconds(job: SearchJob, trial: Trial) -> float:
    """Forecast the seconds of one fit on all rows from those of the trial's folds."""
    n_fitted = sum(len(fold.train) for fold in job.folds)
    return 1.2 * trial.seconds * len(job.y) / max(n_fitted, 1)
