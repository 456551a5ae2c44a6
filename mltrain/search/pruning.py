"""When a trial is hopeless: judged by the trials told before it was asked and by work, never by seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mltrain.metrics import Metric
from mltrain.search.trial import Trial

_LEAST_TOLD = 5
_LEAST_MARGIN = 1e-4
# Rounds of a curve's first point, and how many times as many the next one has at least.
_FIRST_POINT = 8
_STEP = math.sqrt(2)
# A curve whose gains hardly shrink from point to point has not shown yet where it ends.
_SHRINKS = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What fold 0 of a trial must reach, fixed when the trial is asked.

    Attributes
    ----------
    worst_score : float
        In the metric's own direction.
    worst_loss : float
        Log loss that its curve must promise to reach, where that tells (`Traits.is_additive`); infinite for families
        without curves.
    """

    worst_score: float
    greater_is_better: bool
    worst_loss: float


def set_bar(told: Iterable[Trial], metric: Metric) -> Bar | None:
    """Return the bar that complete trials set, or None while they are fewer than five.

    Notes
    -----
    The bar lies one interquartile range below the median score of fold 0: all trials share that fold's rows,
    so their differences are steadier than the scores. A curve has to promise the median of the losses.
    Trials that reach the bar set the next ones, so that these rise.
    """
    complete = [trial for trial in told if trial.state == "complete" and math.isfinite(trial.fold_scores[0])]
    if len(complete) < _LEAST_TOLD:
        return None
    sign = 1.0 if metric.greater_is_better else -1.0
    scores = sign * np.array([trial.fold_scores[0] for trial in complete])
    losses = np.array([trial.fold_losses[0] for trial in complete])
    losses = losses[np.isfinite(losses)]
    return Bar(
        worst_score=sign * float(np.median(scores) - _spread(scores)),
        greater_is_better=metric.greater_is_better,
        worst_loss=float(np.median(losses)) if losses.size >= _LEAST_TOLD else math.inf,
    )


def is_hopeless(bar: Bar, score: float) -> bool:
    """Say whether fold 0 scored below the bar."""
    return score < bar.worst_score if bar.greater_is_better else score > bar.worst_score


@dataclass(kw_only=True, slots=True)
class CurveWatch:
    """Follow one curve and say when what it promises misses the bar.

    Notes
    -----
    A point of the curve is its lowest loss so far; each has at least 1.4 times the rounds of the one before. From point
    to point gains shrink by about the same factor once a booster is past its first rounds, so that the last two gains
    tell, as a geometric series, how much is still to come.

    Replayed on searches that had pruned nothing (`benchmarks/pruning.py`): after the same work the best trial was as
    good or better nearly always. To grant half as much again, or to begin at round 32, gave up fewer trials and won
    less; to grant half as much, or to begin at round 4, lost the best ones. To compare curves at equal learning rate
    times rounds lost them too: small trees start slowly and end well. A straight line through the last half of a curve
    gave up none.
    """

    bar: Bar
    _next: float = _FIRST_POINT
    _best: float = math.inf
    _points: list[float] = field(default_factory=list)

    def is_hopeless(self, n_round: int, loss: float) -> bool:
        """Take the loss of a round; True when the trial cannot reach the bar any more."""
        self._best = min(self._best, loss)
        if n_round < self._next:
            return False
        self._next = _STEP * n_round
        self._points.append(self._best)
        return self._best > self.bar.worst_loss and self._best - self._to_come() > self.bar.worst_loss

    def _to_come(self) -> float:
        """Return how much lower the curve may still get; infinite while it does not tell."""
        if len(self._points) < 3:
            return math.inf
        before, last = self._points[-3] - self._points[-2], self._points[-2] - self._points[-1]
        if last > _SHRINKS * before:
            return math.inf
        shrinks = last / before if before > 0 else 0.0
        return last * shrinks / (1 - shrinks)


def _spread(values: np.typing.NDArray[np.float64]) -> float:
    """Return the interquartile range, at least a little."""
    low, high = np.quantile(values, [0.25, 0.75])
    return max(float(high - low), _LEAST_MARGIN)
