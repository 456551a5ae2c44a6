"""A kept model: the final fit of the best trial, calibrated, with its threshold.

Calibration and threshold come from predictions for rows that the model did not learn from: the trial's out-of-fold
predictions, or a calibration split of their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.calibration import Calibrator, calibrate, choose_calibrator
from mltrain.data import Schema
from mltrain.development import parts_of_rows
from mltrain.final_fit import Final, FinalFit
from mltrain.metrics import Metric
from mltrain.model import Member, Model
from mltrain.models import Proba, ViewKind
from mltrain.preprocessing import Encoder
from mltrain.search import Executor, SearchJob, Study, Trial, as_scored, fit_folds_s, score_of, with_predictions
from mltrain.threshold import best_threshold, decide
from mltrain.voting import MOST_PICKED_FROM, pick


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
    refits_voters : bool
        In the vote of an ensemble, models on all rows take the place of fold models as far as there is time for them.
    """

    schema: Schema
    metric: Metric
    final_fit: Literal["refit", "bag"]
    calibration: str
    seed: int
    calibration_split: CalibrationSplit | None = None
    refits_voters: bool = False

    @property
    def sharpens(self) -> bool:
        """Whether predictions are compared as sure of themselves as calibration will make them."""
        return self.metric.is_proper and self.calibration != "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A model that may become champion.

    Attributes
    ----------
    validation_score : float
        Score of held-out predictions, never of rows that models were fitted on, weights were chosen on or the trial
        was picked on: of several trials it is a little below the best trial's own score. A fold's rows told its booster
        where to stop and how sure it is, and nothing else. They are as they came or, where `Recipe.sharpens`, sharpened
        by what other rows taught. A vote may count for as much as its best member, see `mltrain.voting.beside_members`.
    cross_fitted_score : float, optional
        Of an ensemble: what voting itself is worth on rows that its weights were not chosen on.
    held_out : HeldOut
        The same predictions after calibration.
    final_fit : {"refit", "bag", "fold", "vote"}
        ``fold``: the model of the holdout search itself; ``vote``: members keep the fits they have.
    trial : Trial, optional
        The trial behind it; None for an ensemble.
    weights : mapping of "family#trial" to float
        What an ensemble is made of.
    member_fits : mapping of "family#trial" to FinalFit
        How each of them was fitted.
    member_models : mapping of "family#trial" to int
        How many models of each predict.
    member_refits : mapping of "family#trial" to int
        How many of these were fitted on all rows, in the place of fold models.
    sharpness : mapping of "family#trial" to float
        What the log probabilities of each were multiplied by before the vote.
    notes : tuple of str
        What the user should know of how it came about, such as a clock that cut it short.
    """

    model: Model
    validation_score: float
    held_out: HeldOut
    final_fit: FinalFit
    cross_fitted_score: float | None = None
    trial: Trial | None = None
    weights: Mapping[str, float] | None = None
    member_fits: Mapping[str, FinalFit] | None = None
    member_models: Mapping[str, int] | None = None
    member_refits: Mapping[str, int] | None = None
    sharpness: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()


def best_trials(study: Study, metric: Metric, *, n: int = 1) -> tuple[Trial, ...]:
    """Return the ``n`` best trials that have a score and predictions, best first."""
    return with_predictions(study.trials, metric)[:n]


def affordable_trial(study: Study, recipe: Recipe, *, executor: Executor, deadline: float | None) -> Trial | None:
    """Return the best trial whose fold models are at hand, or, after a resume, can be fitted again in time.

    Where none can, the one that takes least: a deadline cuts it the least short.
    """
    ranked = best_trials(study, recipe.metric, n=MOST_PICKED_FROM)
    again_s = [fit_again_s(study, trial, n_cores=executor.n_cores) for trial in ranked]
    left_s = math.inf if deadline is None else deadline - time.monotonic()
    in_time = (trial for trial, seconds in zip(ranked, again_s, strict=True) if seconds == 0 or seconds < left_s)
    cheapest = min(zip(again_s, range(len(ranked)), strict=True), default=None)
    return next(in_time, None if cheapest is None else ranked[cheapest[1]])


def fit_again_s(study: Study, trial: Trial, *, n_cores: int) -> float:
    """Forecast the wall clock until the fold models of a trial are there: none where they are at hand."""
    return 0.0 if trial.number in study.models else fit_folds_s(trial, n_cores=n_cores)


def keep(study: Study, job: SearchJob, *, trial: Trial, final: Final, encoder: Encoder, recipe: Recipe) -> Candidate:
    """Calibrate the final fit of a trial and set its threshold.

    Parameters
    ----------
    trial : Trial
        One of the study with a score and predictions.
    """
    trial = final.cut or trial
    assert trial.proba is not None
    held_out = held_out_rows(job, trial.proba)
    encoders = {job.view.kind: encoder}
    model, held_out = assemble(job.name, final.members, encoders=encoders, held_out=held_out, recipe=recipe)
    return Candidate(
        model=model,
        validation_score=_score_of_picking(study, job, trial, recipe)
        if final.cut is None
        else score_of(job, trial.proba),
        held_out=held_out,
        final_fit=final.kind,
        trial=trial,
        notes=final.notes + _clock_notes(trial, is_again=final.cut is not None) + _break_notes(study),
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


def held_out_rows(job: SearchJob, proba: Proba) -> HeldOut:
    """Return out-of-fold predictions with each row once: the mean over the repeats that validate it.

    Parameters
    ----------
    proba : ndarray of shape (n_validated, n_classes)
        In the order of `SearchJob.valid_rows`.
    """
    rows, firsts, places = np.unique(job.valid_rows, return_index=True, return_inverse=True)
    parts, y = validated_parts(job), job.y[job.valid_rows]
    if len(rows) == len(places):
        return HeldOut(y=y, proba=proba.astype(np.float64), parts=parts)
    sums = np.zeros((len(rows), proba.shape[1]))
    np.add.at(sums, places, proba)
    means = sums / np.bincount(places)[:, None]
    return HeldOut(y=y[firsts], proba=means, parts=None if parts is None else parts[firsts])


def validated_parts(job: SearchJob) -> NDArray[np.intp] | None:
    """Return the part of each row that trials predict out of fold, see `parts_of_rows`; None for a single holdout."""
    return parts_of_rows(job.folds)


def _score_of_picking(study: Study, job: SearchJob, kept: Trial, recipe: Recipe) -> float:
    """Return what the kept trial is worth on rows that it was not picked on, as the best of those that could be."""
    ranked = best_trials(study, recipe.metric, n=MOST_PICKED_FROM)
    first = [trial.number for trial in ranked].index(kept.number)
    picked_from = [as_scored(job, trial.proba) for trial in ranked[first:] if trial.proba is not None]
    return pick(picked_from, validated_y(job), metric=recipe.metric, seed=recipe.seed, parts=validated_parts(job))


def _break_notes(study: Study) -> tuple[str, ...]:
    if study.broken is None:
        return ()
    return (f"its search broke off: {type(study.broken).__name__}: {study.broken}",)


def _clock_notes(trial: Trial, *, is_again: bool) -> tuple[str, ...]:
    if trial.state != "cut":
        return ()
    rounds = ", ".join(map(str, trial.n_rounds))
    if is_again:
        return (
            f"the clock cut its best trial short when it was fitted again, at {rounds} rounds: "
            "more time, or the run that an earlier session left of it, is better",
        )
    return (f"the clock cut its best trial short, at {rounds} rounds: more time will make it better",)
