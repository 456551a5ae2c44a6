"""A trial that ended, and which of several is best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mltrain import metrics
from mltrain.metrics import Metric
from mltrain.models import Proba
from mltrain.space import Params

State: TypeAlias = Literal["complete", "pruned", "failed", "cut"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Log loss by round on fold 0; empty for families without rounds."""

    loss_rounds: tuple[int, ...] = ()
    train_losses: tuple[float, ...] = ()
    valid_losses: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One trial that ended.

    Attributes
    ----------
    params : Params
        Everything handed to the fits, fixed parameters included.
    state : {"complete", "pruned", "failed", "cut"}
        ``cut``: the clock ended it; the sampler never hears of it and a resume runs it again.
    score : float, optional
        Metric on the pooled validation predictions; of a cut trial only where every fold had a model.
    fold_scores, n_rounds, sharpness : tuple, one entry a fold that ended (a pruned trial: fold 0)
        Metric (NaN where undefined on that fold), best number of rounds and, as `mltrain.models.Fitted`, sharpness.
    fold_losses : tuple of float
        Best validation log loss of each such fold; NaN for families without rounds.
    seed : int
        Derived from the job's seed, the family and the number, as the seeds of its fits are, each with its fold.
    threads : int
        Threads of each fit.
    seconds : float
        Sum over its fits.
    proba : ndarray of shape (n_valid, n_classes), optional
        Validation predictions, aligned with ``SearchJob.valid_rows``.
    error : str, optional
        What a failed trial died of.
    """

    number: int
    params: Params
    state: State
    score: float | None = None
    fold_scores: tuple[float, ...] = ()
    fold_losses: tuple[float, ...] = ()
    n_rounds: tuple[int, ...] = ()
    sharpness: tuple[float, ...] = ()
    seed: int
    threads: int = 1
    seconds: float = 0.0
    proba: Proba | None = None
    curve: Curve = Curve()
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def core_s(self) -> float:
        """Core-seconds of its fits."""
        return self.seconds * self.threads

    @property
    def mean_sharpness(self) -> float:
        """Geometric mean over folds, for a model on all rows."""
        return float(np.exp(np.mean(np.log(self.sharpness)))) if self.sharpness else 1.0


def rank_trials(trials: Iterable[Trial], metric: Metric) -> tuple[Trial, ...]:
    """Return the trials with a score, best first; the earlier of two equals comes first.

    What a cut trial scored, its models earned: it stands where its score puts it.
    """

    def place(trial: Trial) -> tuple[float, int]:
        assert trial.score is not None
        return (-trial.score if metric.greater_is_better else trial.score, trial.number)

    return tuple(sorted((trial for trial in trials if trial.score is not None), key=place))


def best_score(trials: Iterable[Trial], metric: Metric) -> float | None:
    """Return the best score among complete and cut trials, or None."""
    best: float | None = None
    for trial in trials:
        if trial.score is not None and (best is None or metrics.is_better(metric, trial.score, best)):
            best = trial.score
    return best
