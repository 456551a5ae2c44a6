"""Who gets the next slot, and whether a trial can still end before the clock does."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mltrain.search.attempt import Attempt
from mltrain.search.trial import Trial

_GRACE_S = 1.0
_GRACE_SHARE = 0.02
_MOST_RESERVE_S = 1.0
_RESERVE_SHARE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The end of a search.

    Attributes
    ----------
    started, deadline : float
        `time.monotonic` values; a deadline of None is never reached.
    """

    started: float
    deadline: float | None

    @property
    def fit_deadline(self) -> float | None:
        """When fits stop: a little earlier, for they still have to predict the validation rows."""
        if self.deadline is None:
            return None
        return self.deadline - min(_MOST_RESERVE_S, _RESERVE_SHARE * max(0.0, self.deadline - self.started))

    @property
    def is_over(self) -> bool:
        """Whether fits stop now, so that none should begin."""
        return self.fit_deadline is not None and time.monotonic() >= self.fit_deadline

    @property
    def is_beyond_grace(self) -> bool:
        """Whether fits had their last round's time, 1 s or 2 % of the search, to notice the deadline."""
        return self.deadline is not None and time.monotonic() >= self.deadline + self._grace_s

    @property
    def seconds_left(self) -> float:
        """Seconds in which fits may run, infinite without a deadline."""
        return math.inf if self.fit_deadline is None else max(0.0, self.fit_deadline - time.monotonic())

    @property
    def patience_s(self) -> float | None:
        """Return how long to wait for a fit before looking at the clock again; None without a deadline."""
        if self.deadline is None:
            return None
        return self.seconds_left or max(0.05, self.deadline + self._grace_s - time.monotonic())

    @property
    def _grace_s(self) -> float:
        assert self.deadline is not None
        return max(_GRACE_S, _GRACE_SHARE * (self.deadline - self.started))


@dataclass(kw_only=True, slots=True)
class TaskQueue:
    """Folds waiting for a slot: earlier trials first; those that fold 0 may make needless last of all."""

    _waiting: list[tuple[bool, int, int]] = field(default_factory=list)

    def add(self, attempt: Attempt) -> None:
        """Queue every fold of a trial that is not queued as firmly yet."""
        for fold in range(attempt.n_folds):
            if fold not in attempt.submitted:
                heapq.heappush(self._waiting, (attempt.waits_for_fold_0 and fold > 0, attempt.number, fold))

    def pop(self, attempts: dict[int, Attempt], *, firm: bool) -> tuple[Attempt, int] | None:
        """Return the next fold to run, with ``firm`` only one that is certain to be needed."""
        while self._waiting:
            is_guess, number, fold = self._waiting[0]
            attempt = attempts.get(number)
            if attempt is not None and fold not in attempt.submitted and is_guess and firm:
                return None
            heapq.heappop(self._waiting)
            if attempt is not None and fold not in attempt.submitted:
                return attempt, fold
        return None


def can_end_in_time(
    trials: Iterable[Trial], *, n_folds: int, n_folds_ahead: int, n_slots: int, seconds_left: float
) -> bool:
    """Forecast from the seconds of earlier trials whether another one could end before the deadline.

    Parameters
    ----------
    n_folds_ahead : int
        Folds that run or wait already.

    Notes
    -----
    Uses the lower quartile of earlier complete trials, so only a trial that would need luck is left out.
    """
    if math.isinf(seconds_left):
        return True
    seconds = [trial.seconds / n_folds for trial in trials if trial.state == "complete"]
    if not seconds:
        return True
    one_fold_s = float(np.quantile(seconds, 0.25))
    waves = math.ceil(n_folds / n_slots)
    return one_fold_s * (waves + n_folds_ahead / n_slots / 2) <= seconds_left
