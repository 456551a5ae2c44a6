"""The arithmetic of the report: means with standard errors, ranks, who beats whom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import rankdata

# Scores this close count as equal when two contestants are compared.
TIE = 1e-4

Verdict = Literal["win", "tie", "loss"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanError:
    """A mean and its standard error.

    Attributes
    ----------
    error : float
        Sample standard deviation over the root of the count; NaN for a single value.
    """

    mean: float
    error: float
    n: int


def mean_error(values: Sequence[float]) -> MeanError | None:
    """Return the mean of values with its standard error, or None where there are none.

    Examples
    --------
    >>> mean_error([1.0, 3.0])
    MeanError(mean=2.0, error=1.0, n=2)
    """
    if not values:
        return None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return MeanError(mean=float(np.mean(values)), error=error, n=len(values))


def ranks(scores: Mapping[str, float | None], *, greater_is_better: bool) -> dict[str, float]:
    """Return ranks from 1, the best; equal scores share the mean of their ranks, failures share the last ones.

    Examples
    --------
    >>> ranks({"a": 0.9, "b": 0.8, "c": None, "d": 0.9}, greater_is_better=True)
    {'a': 1.5, 'b': 3.0, 'c': 4.0, 'd': 1.5}
    """
    worst = -math.inf if greater_is_better else math.inf
    values = [worst if score is None else score for score in scores.values()]
    placed = rankdata([-v if greater_is_better else v for v in values], method="average")
    return dict(zip(scores, placed.tolist(), strict=True))


def compare(ours: float | None, theirs: float | None, *, greater_is_better: bool) -> Verdict:
    """Return how our score stands against theirs; who failed loses, two failures are equal.

    Examples
    --------
    >>> compare(0.80005, 0.8, greater_is_better=True), compare(0.31, 0.3, greater_is_better=False)
    ('tie', 'loss')
    """
    if ours is None or theirs is None:
        return "tie" if ours is theirs else ("loss" if ours is None else "win")
    lead = ours - theirs if greater_is_better else theirs - ours
    if abs(lead) <= TIE:
        return "tie"
    return "win" if lead > 0 else "loss"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Wins, ties and losses."""

    wins: int
    ties: int
    losses: int

    @property
    def n(self) -> int:
        """Return how many comparisons there were."""
        return self.wins + self.ties + self.losses

    @property
    def share_not_worse(self) -> float:
        """Return the share that was better or equal; NaN without comparisons."""
        return (self.wins + self.ties) / self.n if self.n else math.nan


def tally(verdicts: Sequence[Verdict]) -> Tally:
    """Return the counts of verdicts."""
    return Tally(wins=verdicts.count("win"), ties=verdicts.count("tie"), losses=verdicts.count("loss"))


def allowed_overshoot(budget_s: float) -> float:
    """Return by how many seconds a budget may be exceeded: 5 % of it or 2 s, whichever is more."""
    return max(0.05 * budget_s, 2.0)
