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
_FIRST_CHECK = 32
_FORESIGHT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What fold 0 of a trial must reach, fixed when the trial is asked.

    Attributes
    ----------
    worst_score : float
        In the metric's own direction.
    worst_loss : float
        Log loss that its curve must promise to reach; infinite for families without curves.
    most_rounds : int
        Rounds that the longest trial told so far used.
    """

    worst_score: float
    greater_is_better: bool
    worst_loss: float
    most_rounds: int


def set_bar(told: Iterable[Trial], metric: Metric) -> Bar | None:
    """Return the bar that complete trials set, or None while they are fewer than five.

    Notes
    -----
    The bar lies one interquartile range below the median score of fold 0: all trials share that fold's rows,
    so their differences are steadier than the scores. Losses get twice that room: a curve is only a forecast.
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
        worst_loss=float(np.median(losses) + 2 * _spread(losses)) if losses.size >= _LEAST_TOLD else math.inf,
        most_rounds=max(trial.n_rounds[0] for trial in complete),
    )


def is_hopeless(bar: Bar, score: float) -> bool:
    """Say whether fold 0 scored below the bar."""
    return score < bar.worst_score if bar.greater_is_better else score > bar.worst_score


@dataclass(kw_only=True, slots=True)
class CurveWatch:
    """Follow one curve and say when even a straight line from it would miss the bar.

    Loss curves flatten out, so the straight line through the last half of the rounds promises more than will
    come: a trial is given up only when that promise, at eight times the rounds so far or those of the longest
    trial told, whichever is further, is not good enough. Checked at the first look from round 32 on, then at twice as
    many rounds and so on.
    """

    bar: Bar
    _next: int = _FIRST_CHECK
    _last: tuple[int, float] | None = None
    _best: float = field(default=math.inf)

    def is_hopeless(self, n_round: int, loss: float) -> bool:
        """Take the loss of a round; True when the trial cannot reach the bar any more."""
        self._best = min(self._best, loss)
        if n_round < self._next:
            return False
        before, self._last = self._last, (n_round, self._best)
        self._next = 2 * n_round
        if before is None or self._best <= self.bar.worst_loss:
            return False
        slope = (self._best - before[1]) / (n_round - before[0])
        ahead = max(_FORESIGHT * n_round, self.bar.most_rounds) - n_round
        return self._best + slope * ahead > self.bar.worst_loss


def _spread(values: np.typing.NDArray[np.float64]) -> float:
    """Return the interquartile range, at least a little."""
    low, high = np.quantile(values, [0.25, 0.75])
    return max(float(high - low), _LEAST_MARGIN)
