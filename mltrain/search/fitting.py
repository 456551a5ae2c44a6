"""One fit of one fold, as it runs in a worker."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics import Metric
from mltrain.models import Fitted, Limits, ModelFamily
from mltrain.models.traits import traits_of
from mltrain.search.job import SearchJob
from mltrain.search.pruning import Bar, CurveWatch
from mltrain.search.scoring import fold_proba, score_of_fold
from mltrain.search.seeds import derive
from mltrain.space import Params

_REFUSALS: tuple[type[Exception], ...] = (ValueError, ArithmeticError)


@dataclass(frozen=True, kw_only=True, slots=True)
class FitCall:
    """Everything one fit needs.

    Attributes
    ----------
    y_valid : ndarray of shape (n_valid,), int64
        Classes of the fold's validation rows.
    max_rounds : int, optional
        Rounds at most; None leaves it to the family.
    bar : Bar, optional
        What the curve must promise.
    deadline : float, optional
        `time.monotonic` value.
    share_s : float, optional
        Seconds at most from when it begins: it may have to wait for a core before.
    sharpens : bool
        As `SearchJob.sharpens`.
    stop : Event
        Set when nobody wants the result any more; the fit then ends when it looks at its losses again.
    hurry : Event
        Set when the clock has run out before ``deadline``, because what comes after the search needs more of it; the
        fit then ends as one that the deadline cuts.
    """

    family: ModelFamily
    prepared: Any
    fold: int
    params: Params
    y_valid: NDArray[np.int64]
    metric: Metric
    seed: int
    threads: int
    deadline: float | None
    share_s: float | None = None
    sharpens: bool = False
    stop: Event = field(default_factory=Event)
    hurry: Event = field(default_factory=Event)
    bar: Bar | None = None
    max_rounds: int | None = None

    def ends(self) -> float | None:
        """Return when the fit stops if it begins now."""
        if self.share_s is None:
            return self.deadline
        share_ends = time.monotonic() + self.share_s
        return share_ends if self.deadline is None else min(self.deadline, share_ends)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldOutcome:
    """How a fit ended.

    Attributes
    ----------
    fitted : Fitted, optional
        None when ``error`` says why.
    score : float
        Metric on the fold's validation rows; NaN where undefined.
    loss : float
        Best validation log loss of the curve; NaN without one.
    """

    fitted: Fitted | None
    score: float = math.nan
    loss: float = math.nan
    seconds: float = 0.0
    error: str | None = None


def prepare(job: SearchJob, threads: int, first: Params) -> Any:
    """Make what all fits of a job share, as the parameters of the first of them want it."""
    return job.family.prepare(
        job.view,
        job.y,
        weights=job.weights,
        folds=job.folds,
        objective=job.objective,
        threads=threads,
        first=first,
    )


def make_call(
    job: SearchJob,
    prepared: Any,
    *,
    fold: int,
    params: Params,
    number: int,
    threads: int,
    deadline: float | None,
) -> FitCall:
    """Return the fit of one fold of trial ``number``: the same numbers, the same seed."""
    return FitCall(
        family=job.family,
        prepared=prepared,
        fold=fold,
        params=params,
        y_valid=job.y[job.folds[fold].valid],
        metric=job.metric,
        seed=derive(job.seed, job.name, number, fold),
        threads=threads,
        deadline=deadline,
        sharpens=job.sharpens,
    )


def run_fit(call: FitCall) -> FoldOutcome:
    """Fit one fold and score it.

    Returns
    -------
    FoldOutcome
        With ``error`` when the library refused the parameters or its predictions are not finite;
        what else goes wrong is not a matter of the trial and is raised.
    """
    started = time.monotonic()
    outcome = _fit_and_score(call)
    return replace(outcome, seconds=time.monotonic() - started)


def _fit_and_score(call: FitCall) -> FoldOutcome:
    try:
        fitted = call.family.fit(call.prepared, call.fold, params=call.params, limits=_limits(call))
    except _REFUSALS as error:
        return FoldOutcome(fitted=None, error=f"{type(error).__name__}: {error}")
    if not np.isfinite(fitted.valid_proba).all():
        return FoldOutcome(fitted=None, error="predictions are not finite")
    if not 0 < fitted.sharpness < math.inf:
        return FoldOutcome(fitted=None, error=f"the sharpness is {fitted.sharpness}")
    return FoldOutcome(
        fitted=fitted,
        score=score_of_fold(call.metric, call.y_valid, fold_proba(fitted), sharpens=call.sharpens),
        loss=min(fitted.valid_losses, default=math.nan),
    )


def _limits(call: FitCall) -> Limits:
    """Return what stops this fit."""
    watch = CurveWatch(bar=call.bar) if call.bar is not None and traits_of(call.family).is_additive else None

    def is_unwanted(n_round: int, loss: float) -> bool:
        if call.stop.is_set():
            return True
        return watch is not None and watch.is_hopeless(n_round, loss)

    return Limits(
        seed=call.seed,
        threads=call.threads,
        max_rounds=call.max_rounds,
        deadline=call.ends(),
        hurry=call.hurry.is_set,
        on_round=is_unwanted,
    )
