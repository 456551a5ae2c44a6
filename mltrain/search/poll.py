"""A quick vote over the best trials of all families while they are searched: who has a say, is it still improving."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration import fit_sharpness, sharpen
from mltrain.metrics import Metric
from mltrain.search.contenders import contenders
from mltrain.search.open_study import OpenStudy
from mltrain.search.trial import State, Trial
from mltrain.voting import draw_rows, fewest_of_class, quick_weights

_MOST_ROWS = 4_000
_TIME_SHARE = 0.02
# More trials cannot help when so many with a score, and half of the time so far, improved the vote by no more than one
# number fitted to n rows flatters it: 1 / n of log loss, by Akaike's criterion. n are all validated rows, though a vote
# looks at 4,000 of them at most: of more rows even less of a gain is worth its time.
_PATIENCE = 30
_SMALLEST = 1e-7

# State and score beside the number: a trial that its share of time cut is another once it has run again.
_Key: TypeAlias = tuple[str, int, State, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ballot:
    """A vote: after how many trials with a score, and seconds, it was held, and its log loss."""

    n_scored: int
    seconds: float
    loss: float


class Poll:
    """The running vote; looked at while cores are given away, never told to a sampler.

    Parameters
    ----------
    y_valid : ndarray of shape (n_valid,), int64
        Classes of the validation rows, which all families share; a row that is validated twice is there twice.
    n_rows : int
        How many of them differ.

    Attributes
    ----------
    says : dict of family name to float
        Share of the weights; empty before the first vote.
    n_further : dict of family name to int
        How many trials beside its best one have a weight; empty before the first vote.
    """

    def __init__(self, y_valid: NDArray[np.int64], *, n_rows: int, metric: Metric, seed: int) -> None:
        rows = draw_rows(y_valid, _MOST_ROWS, np.random.default_rng(seed), fewest=fewest_of_class(metric))
        self.says: dict[str, float] = {}
        self.n_further: dict[str, int] = {}
        self._rows, self._y, self._y_valid, self._n_rows = rows, y_valid[rows], y_valid, n_rows
        # A rare class may have more than its share of these rows.
        shares = np.bincount(y_valid) / np.maximum(np.bincount(self._y, minlength=y_valid.max() + 1), 1)
        self._row_weights = shares[self._y]
        self._metric, self._seed = metric, seed
        self._seen: tuple[_Key, ...] = ()
        self._ballots: list[_Ballot] = []
        self._voices: dict[_Key, NDArray[np.float64]] = {}
        self._is_behind = True
        self._started, self._spent_s = time.monotonic(), 0.0

    def hold(self, studies: Sequence[OpenStudy]) -> None:
        """Vote again where the candidates changed and votes have not cost too much so far."""
        voters = [(study, trial) for study in studies for trial in contenders(study.trials.values(), study.job)]
        seen = tuple((study.job.name, trial.number, trial.state, trial.score) for study, trial in voters)
        now = time.monotonic()
        self._is_behind = seen != self._seen
        if not voters or not self._is_behind or self._spent_s > _TIME_SHARE * (now - self._started):
            return
        self._seen, self._is_behind = seen, False
        self._voices = {
            key: self._voices[key] if key in self._voices else self._voice(trial)
            for key, (_, trial) in zip(seen, voters, strict=True)
        }
        stacked = np.stack([self._voices[key] for key in seen])
        weights = quick_weights(stacked, self._y, metric=self._metric, seed=self._seed)
        self.says = dict.fromkeys((study.job.name for study in studies), 0.0)
        self.n_further = dict.fromkeys(self.says, 0)
        best = {study.job.name: study.best.number for study in studies if study.best is not None}
        for (study, trial), weight in zip(voters, weights, strict=True):
            self.says[study.job.name] += float(weight)
            if weight > 0 and trial.number != best[study.job.name]:
                self.n_further[study.job.name] += 1
        self._note(np.tensordot(weights, stacked, axes=1), n_scored=_n_scored(studies))
        self._spent_s += time.monotonic() - now

    def is_settled(self, studies: Sequence[OpenStudy]) -> bool:
        """Say whether first trials are through and what came after them no longer moves the vote."""
        if self._is_behind or any(len(study.trials) < study.n_first_trials for study in studies if study.has_more):
            return False
        n_before, half = _n_scored(studies) - _PATIENCE, 0.5 * (time.monotonic() - self._started)
        n_old = sum(ballot.n_scored <= n_before and ballot.seconds <= half for ballot in self._ballots)
        if not n_old:
            return False
        before = self._ballots[n_old - 1].loss
        since = min((ballot.loss for ballot in self._ballots[n_old:]), default=before)
        return before - since < 1 / self._n_rows

    def _voice(self, trial: Trial) -> NDArray[np.float64]:
        """Return the predictions of a trial for some rows, as they would vote."""
        assert trial.proba is not None
        sharpness = fit_sharpness(trial.proba, self._y_valid)
        return sharpen(trial.proba[self._rows].astype(np.float64), sharpness)

    def _note(self, proba: NDArray[np.float64], *, n_scored: int) -> None:
        losses = -np.log(np.maximum(proba[np.arange(self._y.size), self._y], _SMALLEST))
        seconds = time.monotonic() - self._started
        loss = float(np.average(losses, weights=self._row_weights))
        self._ballots.append(_Ballot(n_scored=n_scored, seconds=seconds, loss=loss))


def _n_scored(studies: Sequence[OpenStudy]) -> int:
    """Return how many trials there are that could vote: what was given up after a few rounds says little."""
    return sum(trial.score is not None for study in studies for trial in study.trials.values())
