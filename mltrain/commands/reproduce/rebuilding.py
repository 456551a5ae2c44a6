"""The model of a run, made again: the same trials, the same seeds, and no search."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from mltrain import plugins
from mltrain.candidate import HeldOut, Recipe, assemble, held_out_rows
from mltrain.errors import DataError
from mltrain.final_fit import FinalFit, fold_members, refitted_member, replaced_by_refits
from mltrain.jobs import Material
from mltrain.model import Member, Model
from mltrain.models import Fitted, ModelFamily, ViewKind
from mltrain.preprocessing import Encoder
from mltrain.record import Part, RunRecord
from mltrain.search import (
    Executor,
    SearchJob,
    State,
    fit_folds,
    fold_proba,
    out_of_fold,
    refit_all,
    score_of,
    score_of_fold,
)

Calibration: TypeAlias = Literal["rebuilt", "recorded", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RebuiltPart:
    """One trial that was fitted again.

    Attributes
    ----------
    trial : str
        Family and number, such as ``lgbm#3``.
    weight : float
        Share of the vote.
    recorded_score, score : float
        Validation score then and of the rebuilt fold models.
    fold_difference : float
        Largest absolute difference between a fold's score then and now.
    n_rounds : tuple of int
        Rounds of the rebuilt fold models.
    """

    trial: str
    weight: float
    final_fit: FinalFit
    state: State
    recorded_score: float
    score: float
    fold_difference: float
    n_rounds: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """The model made again, from which trials, and where its calibrator and threshold come from."""

    model: Model
    parts: tuple[RebuiltPart, ...]
    calibration: Calibration


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """One part made again; ``held_out`` are the predictions of its fold models."""

    members: tuple[Member, ...]
    held_out: HeldOut
    line: RebuiltPart


def rebuild(record: RunRecord, material: Material, *, executor: Executor) -> Rebuilt:
    """Fit the recorded trials again and put the model together from them.

    Notes
    -----
    Weights and sharpness of a vote are the result of a search, and are taken from the record. So are an ensemble's
    calibrator and threshold: they were chosen on votes of which each row was cast by weights chosen without it, and
    over how many bags of rows those were averaged may be the clock's doing. Everything else is made from the rows.

    Raises
    ------
    mltrain.errors.DataError
        A family refuses the recorded parameters.
    mltrain.errors.PluginError
        A family is not installed.
    """
    families = {part.family: cast("ModelFamily", plugins.load("models", part.family)) for part in record.parts}
    names = sorted(families, key=lambda name: families[name].view)
    made: dict[str, _Made] = {}
    encoders: dict[ViewKind, Encoder] = {}
    for position, name in enumerate(names):
        job = material.job(name, families[name], max_trials=0)
        encoders[job.view.kind] = material.view(job.view.kind).encoder
        made |= {part.label: _make(job, part, executor=executor) for part in record.parts if part.family == name}
        material.free_views([families[later] for later in names[position + 1 :]])
    in_order = {families[part.family].view: encoders[families[part.family].view] for part in record.parts}
    parts = [made[part.label] for part in record.parts]
    model = _put_together(record, parts, encoders=in_order, recipe=material.recipe)
    origin: Calibration = "none" if model.calibrator is None else "recorded" if record.is_vote else "rebuilt"
    return Rebuilt(model=model, parts=tuple(part.line for part in parts), calibration=origin)


def _put_together(
    record: RunRecord, parts: Sequence[_Made], *, encoders: Mapping[ViewKind, Encoder], recipe: Recipe
) -> Model:
    """Return the calibrated model with its threshold."""
    members = tuple(member for part in parts for member in part.members)
    if not record.is_vote:
        held_out = parts[0].held_out
        return assemble(record.model, members, encoders=encoders, held_out=held_out, recipe=recipe)[0]
    model = Model(recipe.schema, encoders, members=members, name=record.model)
    return cast("Model", model.set_params(calibrator=record.calibrator, threshold=record.threshold))


def _make(job: SearchJob, part: Part, *, executor: Executor) -> _Made:
    """Fit one trial's fold models again, score them, and refit on all rows where the run did."""
    started = time.monotonic()
    trial = part.trial
    try:
        fitted = fit_folds(job, trial, executor=executor, deadline=None)
        if part.final_fit == "refit":
            final = refit_all(job, trial, threads=min(trial.threads, executor.n_cores), deadline=None)
            members: Sequence[Member] = [
                refitted_member(job, trial, final, weight=part.weight, sharpness=part.sharpness)
            ]
        else:
            members = fold_members(job, fitted, n_models=part.n_models, weight=part.weight, sharpness=part.sharpness)
            members = _with_refits(job, part, members, n_cores=executor.n_cores)
    except ValueError as error:
        raise DataError(
            f"the recorded parameters of {part.label} are refused: {error}",
            hint="the record was changed, or the versions of the libraries have",
        ) from error
    proba = out_of_fold(fitted)
    line = RebuiltPart(
        trial=part.label,
        weight=part.weight,
        final_fit=part.final_fit,
        state=trial.state,
        recorded_score=math.nan if trial.score is None else trial.score,
        score=score_of(job, proba),
        fold_difference=_fold_difference(job, trial.fold_scores, fitted),
        n_rounds=tuple(f.n_rounds for f in fitted),
        seconds=time.monotonic() - started,
    )
    held_out = held_out_rows(job, proba)
    return _Made(members=tuple(members), held_out=held_out, line=line)


def _with_refits(job: SearchJob, part: Part, members: Sequence[Member], *, n_cores: int) -> Sequence[Member]:
    """Return the models of a voter, the first ones replaced by those fitted on all rows."""
    threads = min(part.trial.threads, n_cores)
    refits = [
        refit_all(job, part.trial, threads=threads, deadline=None, repeat=repeat) for repeat in range(part.n_refits)
    ]
    return replaced_by_refits(job, part.trial, members, refits, sharpness=part.sharpness)


def _fold_difference(job: SearchJob, recorded: Sequence[float], fitted: Sequence[Fitted]) -> float:
    """Return the largest difference of a fold's score; infinite where only one of the two has one."""
    scores = [
        score_of_fold(job.metric, job.y[fold.valid], fold_proba(f), sharpens=job.sharpens)
        for fold, f in zip(job.folds, fitted, strict=True)
    ]
    if len(scores) != len(recorded) or [math.isnan(s) for s in scores] != [math.isnan(s) for s in recorded]:
        return math.inf
    return max(
        (abs(now - then) for now, then in zip(scores, recorded, strict=True) if not math.isnan(now)), default=0.0
    )
