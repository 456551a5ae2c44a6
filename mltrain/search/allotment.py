"""Which family may begin its next trial, and until when a fit may run: what a search does with its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from mltrain.search.attempt import Attempt
from mltrain.search.bandit import Standing, spread_of, worth
from mltrain.search.forecast import can_end_in_time, fold_share_s
from mltrain.search.job import SearchJob
from mltrain.search.open_study import OpenStudy
from mltrain.search.poll import Poll
from mltrain.search.schedule import Clock
from mltrain.search.trial import Trial

_MOST_SLOWNESS = 4.0
# Every family gets its three voters before any gets more, unless a trial would take too large a share of the time left:
# a fifth, and half where it is the second on several folds, for the first trials of some are modest ones that end soon.
_SOON = 0.2
_SECOND_SOON = 0.5
# A voter for so little of that share comes before the first trial of another family: with ten classes that of a
# booster may take all the time that there is.
_CHEAP = 0.3
# How many trials beside its best one a family has in a vote, as long as none was held.
_FURTHER = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SoFar:
    """How far the search of a family has come, as far as what comes after it depends on that.

    Attributes
    ----------
    best : Trial, optional
        None before any trial has a score.
    is_at_hand : bool
        Whether the fold models of the best trial are in memory; those of a resumed trial are not.
    say : float
        Its share of the weights in a vote of all families, in [0, 1].
    n_further : int
        How many trials beside the best one have a weight in it; two, say, before the first vote.
    prepare_s : float
        Wall clock that all cores took to get its data ready for the fits of the search.
    slowness : float
        How many times longer than alone a core takes on this machine now.
    """

    job: SearchJob
    best: Trial | None
    is_at_hand: bool = True
    say: float = 1.0
    n_further: int = _FURTHER
    prepare_s: float = 0.0
    slowness: float = 1.0


Reserve: TypeAlias = Callable[[SoFar], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """What ends a search.

    Attributes
    ----------
    deadline : float, optional
        `time.monotonic` value.
    family_s : float, optional
        Seconds that one family may have all cores for, what is reserved for it afterwards included.
    reserve : callable, optional
        Returns the seconds before the deadline that must be left for what comes after the search of a family, as far as
        it has come.
    """

    deadline: float | None
    family_s: float | None = None
    reserve: Reserve | None = None


class Allotment:
    """The time of one search, divided among its families.

    Attributes
    ----------
    clock : Clock
        Its deadline moves with what the best trials so far will need afterwards.
    is_settled : bool
        More trials no longer improve a vote, so that none begins.
    """

    def __init__(self, studies: Sequence[OpenStudy], *, n_cores: int, ends: Ends, started: float) -> None:
        self.clock = Clock(started=started, deadline=ends.deadline)
        self.is_settled = False
        self._studies, self._n_cores, self._ends = studies, n_cores, ends
        self._cpu_started = time.process_time()
        job = studies[0].job
        n_rows = len(np.unique(job.valid_rows))
        self._poll = Poll(job.y[job.valid_rows], n_rows=n_rows, metric=job.metric, seed=job.seed)
        self._keep_time_back()

    @property
    def has_model(self) -> bool:
        """Whether any family has one."""
        return any(study.has_model for study in self._studies)

    def next_family(self) -> OpenStudy | None:
        """Return the family whose next trial should begin: one never tried, else the one worth most; None for none.

        While a clock runs, a family that lacks voters and has a cheap one to try comes before both.
        """
        able = [study for study in self._studies if self._may_begin(study)]
        cheap = [study for study in able if self._has_cheap_voter(study)]
        if cheap:
            return min(cheap, key=self._turn)
        untried = [study for study in able if not study.trials and not study.attempts]
        if untried or len(able) < 2 or self.clock.deadline is None:
            return next(iter(untried or able), None)
        # What a family's second trial will cost is unknown until its first has ended.
        able = [study for study in able if study.trials] or able
        behind = [study for study in able if _lacks_voters(study) and self._is_soon(study, _share(study))]
        if behind:
            return min(behind, key=self._turn)
        spread = spread_of([max(scores) for scores in map(_scores, self._studies) if scores])
        return max(able, key=lambda study: worth(self._standing(study), spread=spread))

    def _has_cheap_voter(self, study: OpenStudy) -> bool:
        """Say whether a family that has tried something lacks voters, and the next one is known to be cheap."""
        if self.clock.deadline is None or self.clock.is_over or not study.trials or not _lacks_voters(study):
            return False
        return self._next_s(study) is not None and self._is_soon(study, _CHEAP * _share(study))

    def _is_soon(self, study: OpenStudy, share: float) -> bool:
        """Say whether the next trial may end within a share of the time left; who cannot be forecast may."""
        cost_s = self._next_s(study)
        return cost_s is None or cost_s <= share * self._seconds_left(study) * self._n_cores

    def _turn(self, study: OpenStudy) -> tuple[int, float]:
        """Order families that still need voters: fewest trials first, then the cheapest next one."""
        return _n_begun(study), self._next_s(study) or 0.0

    def _next_s(self, study: OpenStudy) -> float | None:
        """Forecast the core-seconds of the next trial; None while nothing tells."""
        proposal = study.peek()
        return None if proposal is None else study.forecast_s(proposal)

    def fit_deadline(self, study: OpenStudy) -> float | None:
        """Return when a fit stops at the latest."""
        if self.clock.deadline is None:
            return None
        return time.monotonic() + max(self._seconds_left(study), 0.0)

    def fit_share_s(self, study: OpenStudy, attempt: Attempt) -> float | None:
        """Return the seconds that a fit may take once it has begun, while its family has no model."""
        if self.clock.deadline is None or study.has_model:
            return None
        seconds_left = self._seconds_left(study)
        # What a family has for itself it shares with none.
        shares = seconds_left >= self.clock.seconds_left
        return fold_share_s(
            max(seconds_left, 0.0),
            n_without_model=sum(not other.has_model and other.has_more for other in self._studies) if shares else 1,
            n_folds_left=attempt.n_folds - len(attempt.submitted) + 1,
            threads=attempt.threads,
            n_cores=self._n_cores,
        )

    def note_end(self) -> None:
        """Think again about votes and time after a trial ended."""
        if self.clock.deadline is not None and not self.is_settled:
            self._poll.hold(self._studies)
            self.is_settled = self._poll.is_settled(self._studies)
        self._keep_time_back()

    def _may_begin(self, study: OpenStudy) -> bool:
        """Say whether a trial of this family could come to something before the deadline."""
        if study.broken is not None:
            return False
        if self._is_over:
            is_alone = not self.has_model and not any(other.attempts for other in self._studies)
            return is_alone and study.n_begun < study.job.lag and study.peek() is not None
        seconds_left = self._seconds_left(study)
        proposal = None if self.is_settled or seconds_left <= 0 else study.peek()
        return proposal is not None and can_end_in_time(
            study.forecast_s(proposal),
            ahead_s=self._ahead_s(),
            n_folds=len(study.job.folds),
            threads=study.threads,
            n_cores=self._n_cores,
            seconds_left=seconds_left,
        )

    @property
    def _is_over(self) -> bool:
        """Whether the clock has run out, or the time of every family before it."""
        able = [study for study in self._studies if study.has_more]
        return self.clock.is_over or all(self._seconds_left(study) <= 0 for study in able)

    def _seconds_left(self, study: OpenStudy) -> float:
        """Return the wall clock that this family still has."""
        if self._ends.family_s is None or self.clock.deadline is None:
            return self.clock.seconds_left
        used_s = study.used_s / self._n_cores + self._reserve_s(study)
        return min(self.clock.seconds_left, self._ends.family_s - used_s)

    def _ahead_s(self) -> float:
        """Return the core-seconds of folds that run or wait, as far as they can be forecast."""
        ahead = 0.0
        for study in self._studies:
            for attempt in study.attempts:
                share = 1 - len(attempt.outcomes) / attempt.n_folds
                ahead += share * (study.forecast_s(attempt.proposal) or 0.0)
        return ahead

    def _standing(self, study: OpenStudy) -> Standing:
        ended = [trial.core_s for trial in study.trials.values() if trial.state != "failed"]
        return Standing(
            scores=_scores(study),
            n_ended=len(study.trials),
            cost_s=(self._next_s(study) or max(ended, default=1.0)) * study.share_run,
            say=self._say(study),
        )

    def _say(self, study: OpenStudy) -> float:
        """Return the family's share of the running vote, an equal one before the first."""
        return self._poll.says.get(study.job.name, 1.0 / len(self._studies))

    def _keep_time_back(self) -> None:
        """Move the deadline to what the best trials so far need afterwards; once it has passed, it stays passed.

        It is never moved into the past: fits that run are left the grace to hand over what they have.
        """
        if self._ends.deadline is not None and self._ends.reserve is not None and not self.clock.is_over:
            reserved_s = sum(self._reserve_s(study) for study in self._studies)
            deadline = max(self._ends.deadline - reserved_s, time.monotonic())
            self.clock = replace(self.clock, deadline=deadline)

    def _reserve_s(self, study: OpenStudy) -> float:
        """Return what comes after the search of a family."""
        if self._ends.reserve is None:
            return 0.0
        best = study.best
        so_far = SoFar(
            job=study.job,
            best=best,
            is_at_hand=best is not None and best.number in study.models,
            say=self._say(study),
            n_further=self._poll.n_further.get(study.job.name, _FURTHER),
            prepare_s=study.prepare_s,
            slowness=self._slowness,
        )
        return self._ends.reserve(so_far)

    @property
    def _slowness(self) -> float:
        """Core-seconds that fits took over the processor time they got: 2 where somebody else has half of each core."""
        cpu_s = time.process_time() - self._cpu_started
        slowness = sum(study.fits_s for study in self._studies) / cpu_s if cpu_s > 0.1 else 1.0
        return min(max(slowness, 1.0), _MOST_SLOWNESS)


def _lacks_voters(study: OpenStudy) -> bool:
    return _n_begun(study) < study.job.n_voters


def _n_begun(study: OpenStudy) -> int:
    return len(study.trials) + len(study.attempts)


def _share(study: OpenStudy) -> float:
    """Return the share of the time left that the next voter of a family may take."""
    return _SECOND_SOON if _n_begun(study) < 2 and len(study.job.folds) > 1 else _SOON


def _scores(study: OpenStudy) -> tuple[float, ...]:
    """Return the scores of a study in number order, greater is better."""
    sign = 1.0 if study.job.metric.greater_is_better else -1.0
    return tuple(sign * t.score for _, t in sorted(study.trials.items()) if t.score is not None)
