"""The clock of a search, and which fit gets the next free core."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Container
from dataclasses import dataclass, field

from mltrain.search.attempt import Attempt

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One fold of a trial, waiting for a core."""

    attempt: Attempt
    fold: int


@dataclass(kw_only=True, slots=True)
class TaskQueue:
    """Folds waiting for a core: earlier attempts first; those that fold 0 may make needless last of all."""

    _waiting: list[tuple[bool, int, int, Task]] = field(default_factory=list)

    def add(self, attempt: Attempt) -> None:
        """Queue every fold of a trial that is not queued as firmly yet."""
        for fold in range(attempt.n_folds):
            if fold not in attempt.submitted:
                is_guess = attempt.waits_for_fold_0 and fold > 0
                # Two entries of one fold never compare further: the same firmness is queued once or looked up again.
                entry = (is_guess, attempt.order, fold, Task(attempt=attempt, fold=fold))
                if not any(entry[:3] == known[:3] for known in self._waiting):
                    heapq.heappush(self._waiting, entry)

    def peek(self, wanted: Container[int], *, firm: bool) -> Task | None:
        """Return the next fold to run, with ``firm`` only one that is certain to be needed.

        Parameters
        ----------
        wanted : container of int
            `Attempt.order` of the attempts that may get cores; folds of others are forgotten.
        """
        while self._waiting:
            is_guess, order, fold, task = self._waiting[0]
            if order in wanted and fold not in task.attempt.submitted:
                return None if is_guess and firm else task
            heapq.heappop(self._waiting)
        return None
