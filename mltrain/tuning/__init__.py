"""`mltrain.tune`: one model optimised on rows that a notebook holds. Nothing is read from the disk or written to it.

It is what `mltrain train --model` does between reading its splits and writing its run, by the same functions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from mltrain.budget import Budget, make_budget, parse_duration
from mltrain.candidate import Candidate
from mltrain.config import Config
from mltrain.config.loading import from_mapping
from mltrain.config.names import family_name
from mltrain.development import validation_text
from mltrain.errors import DataError, UsageError
from mltrain.events import Listener, ignore
from mltrain.jobs import Material
from mltrain.keeping import begin_finals, finals_end, keep_pending, let_go_of_prepared, search_ends, why_none
from mltrain.model import Model, available_cores
from mltrain.models import ModelFamily
from mltrain.plan import ENSEMBLE, make_plan
from mltrain.record import trials_table
from mltrain.search import LocalExecutor, Study, search
from mltrain.tuning.handed_in import HandedIn, make_material, take_in


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TuneResult:
    """The model that `tune` found, and how.

    Attributes
    ----------
    model : Model
        Fitted and calibrated: a scikit-learn classifier, as `mltrain.load_model` gives.
    params : mapping of str to scalar
        The best trial's, fixed ones included.
    score : float
        Validation score of the model, by ``metric``: of rows that it was not fitted on.
    trials : DataFrame of n_trials rows
        As ``trials.parquet`` of a run: number, state, score, fold_scores, n_rounds, sharpness, seed, threads, seconds,
        notes, error, and params as JSON text.
    validation : str
        How trials were validated, such as ``5-fold cross-validation``.
    final_fit : {"refit", "bag", "fold"}
        One model on all rows, the average of the fold models, or the model of the holdout search itself.
    seconds : float
        From the call to its return.
    notes : tuple of str
        What is odd about it, such as a clock that cut its best trial short.
    """

    model: Model = field(repr=False)
    params: Mapping[str, Any]
    score: float
    metric: str
    trials: pd.DataFrame = field(repr=False)
    validation: str
    final_fit: str
    seconds: float
    notes: tuple[str, ...] = ()


def tune(  # noqa: PLR0913 - each is a setting that a notebook may have, named as in the config
    X: Any,
    y: Any,
    model: str = "lgbm",
    *,
    metric: str | None = None,
    budget: str | float | None = None,
    max_trials: int | None = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    search_space: Mapping[str, Any] | None = None,
    class_weight: Literal["none", "balanced"] | None = None,
    n_folds: int = 5,
    validation: Literal["auto", "kfold", "holdout"] = "auto",
    final_fit: Literal["auto", "refit", "bag"] = "auto",
    calibration: Literal["auto", "none", "sigmoid", "isotonic", "temperature"] = "auto",
    n_jobs: int | None = None,
    seed: int = 42,
    positive_class: str | int | float | bool | None = None,
    listener: Listener = ignore,
) -> TuneResult:
    """Optimise one model on rows in memory; what is not described here is as in the config's sections.

    Parameters
    ----------
    X : DataFrame, Arrow table or array of shape (n_samples, n_features)
    y : Series or array of shape (n_samples,), labels of two classes or more, none missing
    metric : str, optional
        By default ROC AUC for two classes and log loss for more.
    budget : str or float, optional
        Time of the whole call: ``"60s"``, ``"10m"`` or seconds; by default 180 s, or none with ``max_trials``.
    groups : Series or array of shape (n_samples,), optional
        Rows of one group stay on one side of every fold.
    params, search_space : mapping, optional
        Fixed parameters; ranges that replace the shipped ones, such as ``{"num_leaves": {"int": [4, 64]}}``.
    n_jobs : int, optional
        CPU cores; by default, and with -1, all that this process may use.
    listener : callable
        Hears of each trial as it ends, see `mltrain.events`.

    Raises
    ------
    mltrain.errors.UsageError
        A setting is wrong, or nobody provides the model or metric.
    mltrain.errors.DataError
        X, y and groups do not fit together or cannot be learnt from, or no trial gave a model.
    mltrain.errors.EnvironmentRefusal
        There is too little memory for a final fit on all rows.
    """
    started_at = time.monotonic()
    train = {"comparison_metric": metric, "max_search_iters": max_trials, "n_jobs": None if n_jobs == -1 else n_jobs}
    train |= {"class_weight": class_weight, "n_folds": n_folds, "validation": validation}
    train |= {"final_fit": final_fit, "calibration": calibration}
    settings = {"params": params, "search_space": search_space}
    config = _config(model, train, settings=settings, seed=seed, positive_class=positive_class)
    total_s, has_max_trials = _seconds(budget), max_trials is not None
    clock = make_budget(config.train, started_at=started_at, total_s=total_s, has_max_trials=has_max_trials)
    families = make_plan(config, ()).families
    return _tune(take_in(X, y, groups), config, families, clock=clock, listener=listener)


def _config(
    model: str,
    train: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    seed: int,
    positive_class: str | int | float | bool | None,
) -> Config:
    """Return the config that says the same; what is None is as by default."""
    if not isinstance(model, str) or family_name(model) == ENSEMBLE:
        hint = "name one, such as 'lgbm'; several, and an ensemble of them, are for `mltrain train`"
        raise UsageError(f"tune optimises one model, got {model!r}", where="model", hint=hint)
    of_model = _given(settings)
    return from_mapping(
        {
            "seed": _plain(seed),
            "data": _given({"positive_class": positive_class}),
            "train": {"supported_models": [model], **_given(train)},
            "models": {model: of_model} if of_model else {},
        },
        require_data=False,
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    """Return a setting without numpy's scalars, which come out of ranges and tables and are no numbers to a config."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple | np.ndarray) else value


def _seconds(budget: str | float | None) -> float | None:
    """Return the seconds of a budget."""
    if budget is None:
        return None
    if isinstance(budget, str):
        try:
            return parse_duration(budget)
        except ValueError as error:
            raise UsageError(str(error), where="budget") from error
    if not (isinstance(budget, int | float) and math.isfinite(budget) and budget > 0) or isinstance(budget, bool):
        raise UsageError(f"a budget of {budget!r} is no time", where="budget", hint="write '60s', '10m' or seconds")
    return float(budget)


def _tune(
    given: HandedIn, config: Config, families: Mapping[str, ModelFamily], *, clock: Budget, listener: Listener
) -> TuneResult:
    """Search the one family, and keep its best trial."""
    material = make_material(given, config, families, listener=listener)
    ((name, family),) = families.items()
    with LocalExecutor(config.train.n_jobs or available_cores()) as executor:
        deadline = clock.families_deadline(time.monotonic(), [[1.0]], ensemble_s=0.0)
        job = material.job(name, family, max_trials=config.train.max_search_iters)
        ends = search_ends((job,), material, executor, deadline=deadline, family_s=clock.family_s, draws_figures=False)
        studies = search((job,), executor=executor, journal_dir=None, ends=ends, listener=listener)
        (study,) = let_go_of_prepared(studies, material)
        refits_end = finals_end((job,), deadline=deadline, draws_figures=False)
        (pending,) = begin_finals([(job, study)], material, executor, deadline=refits_end)
        if pending.trial is None:
            raise _no_model(study)
        kept = keep_pending(pending, material, executor, deadline=refits_end)
    return _result(material, study, kept, seconds=time.monotonic() - clock.started_at)


def _no_model(study: Study) -> DataError:
    """Return the error for a search that gave no model; what the family itself raised is its cause."""
    broken = study.broken
    reason = why_none(study) if broken is None else f"{type(broken).__name__}: {broken}"
    error = DataError(f"no model could be fitted ({study.name}: {reason})", hint="more time, or other params")
    error.__cause__ = broken
    return error


def _result(material: Material, study: Study, kept: Candidate, *, seconds: float) -> TuneResult:
    assert kept.trial is not None
    return TuneResult(
        model=kept.model,
        params=dict(kept.trial.params),
        score=kept.validation_score,
        metric=material.recipe.metric.name,
        trials=trials_table(study).to_pandas(),
        validation=validation_text(material.rows),
        final_fit=kept.final_fit,
        seconds=seconds,
        notes=material.rows.notes + kept.notes,
    )
