"""Fits of one trial again: its fold models, or one model on all rows."""

from __future__ import annotations

import math
import time
from concurrent.futures import Future, wait
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np

from mltrain.models import Fitted, Fold, Limits
from mltrain.search.executor import Executor
from mltrain.search.fitting import FitCall, make_call, prepare
from mltrain.search.job import SearchJob
from mltrain.search.seeds import derive
from mltrain.search.trial import Trial

_MOST_GROWTH = 1.25


def fit_folds(
    job: SearchJob, trial: Trial, *, executor: Executor, deadline: float | None, prepared: Any = None
) -> tuple[Fitted, ...]:
    """Fit the fold models of a trial again: the same seeds, so the same models unless the deadline cuts them.

    Parameters
    ----------
    trial : Trial
        Complete, or cut with a score; a cut trial's fits end at the rounds they had.
    prepared : object, optional
        `Study.prepared`, where it is at hand.
    deadline : float, optional
        `time.monotonic` value. Folds that have to wait for cores have as long as those before them.

    Returns
    -------
    tuple of Fitted, in fold order
        ``stopped`` says where the deadline ended a fit.

    Raises
    ------
    ValueError
        The family refuses the parameters.
    """
    if prepared is None:
        prepared = prepare(job, executor.n_cores, trial.params)
    threads = max(1, min(trial.threads, executor.n_cores))
    calls = [
        make_call(
            job,
            prepared,
            fold=fold,
            params=trial.params,
            number=trial.number,
            threads=threads,
            deadline=deadline,
        )
        for fold in range(len(job.folds))
    ]
    if trial.state == "cut":
        calls = [replace(call, max_rounds=max(1, n)) for call, n in zip(calls, trial.n_rounds, strict=True)]
    n_at_once = executor.n_cores // threads
    n_waves = math.ceil(len(calls) / n_at_once)
    fitted: list[Fitted] = []
    for wave in range(n_waves):
        share_s = None if deadline is None else max(deadline - time.monotonic(), 0.0) / (n_waves - wave)
        of_wave = calls[wave * n_at_once : (wave + 1) * n_at_once]
        fitted += _run_all([replace(call, share_s=share_s) for call in of_wave], executor)
    return tuple(fitted)


def fit_folds_s(trial: Trial, *, n_cores: int) -> float:
    """Forecast the wall clock of `fit_folds`: as many waves as it takes, each as long as the mean of the fits was."""
    n_folds = max(len(trial.n_rounds), 1)
    n_at_once = n_cores // max(1, min(trial.threads, n_cores))
    return math.ceil(n_folds / n_at_once) * trial.seconds / n_folds


def refit_all(job: SearchJob, trial: Trial, *, threads: int, deadline: float | None, repeat: int = 0) -> Fitted:
    """Fit one model on all rows with the rounds that suited the trial's folds.

    Parameters
    ----------
    repeat : int
        Which of several such models: each has a seed of its own.
    deadline : float, optional
        `time.monotonic` value at which the fit ends with what it has.

    Notes
    -----
    Rounds are the mean over folds, grown with the square root of the rows added, by a quarter at most: more
    rows bear more rounds, but how many more is not known without validation rows.

    Raises
    ------
    ValueError
        The family refuses the parameters.
    """
    everything = Fold(
        train=np.arange(job.view.n_samples), valid=np.empty(0, dtype=np.intp), features=job.final_features
    )
    prepared = prepare(replace(job, folds=(everything,)), threads, trial.params)
    limits = Limits(
        seed=derive(job.seed, job.name, trial.number, "refit", *([repeat] if repeat else [])),
        threads=threads,
        deadline=deadline,
        max_rounds=rounds_for_all(job, trial),
    )
    return job.family.fit(prepared, 0, params=trial.params, limits=limits)


def rounds_for_all(job: SearchJob, trial: Trial) -> int:
    """Return the rounds for a fit on all rows."""
    share = float(np.mean([len(fold.train) for fold in job.folds])) / job.view.n_samples
    growth = min(_MOST_GROWTH, math.sqrt(1 / share))
    return max(1, round(float(np.mean(trial.n_rounds)) * growth))


def _run_all(calls: list[FitCall], executor: Executor) -> tuple[Fitted, ...]:
    """Run fits at once; an error or an interrupt ends them all."""
    stop = Event()
    futures: list[Future[Fitted]] = [executor.submit(_fit, replace(call, stop=stop)) for call in calls]
    try:
        wait(futures)
        return tuple(future.result() for future in futures)
    finally:
        stop.set()
        for future in futures:
            future.cancel()


def _fit(call: FitCall) -> Fitted:
    """Fit without scoring."""
    limits = Limits(
        seed=call.seed,
        threads=call.threads,
        max_rounds=call.max_rounds,
        deadline=call.ends(),
        on_round=lambda _round, _loss: call.stop.is_set(),
    )
    return call.family.fit(call.prepared, call.fold, params=call.params, limits=limits)
