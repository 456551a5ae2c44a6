"""The population stability index of each column: how far later rows are from those of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from mltrain.drift.counting import Ends, Tally

SOME, MUCH = 0.1, 0.25
CHANCE = 0.001
_LEAST_ROWS = 0.5  # what an empty bin counts for, so that no logarithm is infinite


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnDrift:
    """One column of later rows against training.

    Attributes
    ----------
    psi : float
        Population stability index.
    by_chance : float
        What it exceeds in one of a thousand samples of this size without any drift.
    verdict : {"stable", "some", "much"}
        From 0.1 on some, from 0.25 on much; stable where chance explains it.
    below, above : int
        Rows under the smallest and over the largest value of training.
    """

    name: str
    psi: float
    by_chance: float
    verdict: str
    missing_before: float
    missing_now: float
    below: int = 0
    above: int = 0


def column_drifts(tally: Tally) -> tuple[ColumnDrift, ...]:
    """Return every column's drift, the largest first; nothing where no row was counted.

    References
    ----------
    The index is the symmetric Kullback-Leibler divergence of binned shares; the marks 0.1 and 0.25 are those of
    scorecard practice: Lewis, An Introduction to Credit Scoring (1994); Siddiqi, Credit Risk Scorecards (2006), chapter
    on monitoring. Without drift it is distributed as chi squared with one degree of freedom fewer than bins, times
    1/n + 1/m: Yurdakul and Naranjo, Statistical properties of the population stability index (2020),
    doi:10.21314/JRMV.2020.227.
    """
    if not tally.n_counted:
        return ()
    found = []
    for name, column in tally.profile.columns.items():
        counts = tally.bins[name]
        psi = stability_index(column.shares, counts.tolist(), n_expected=tally.profile.n_rows)
        n_filled = int(((np.asarray(column.shares) > 0) | (counts > 0)).sum())
        by_chance = _by_chance(n_filled, tally.profile.n_rows, tally.n_counted)
        ends = tally.ends.get(name, Ends())
        found.append(
            ColumnDrift(
                name=name,
                psi=psi,
                by_chance=by_chance,
                verdict="stable" if psi < max(SOME, by_chance) else "some" if psi < MUCH else "much",
                missing_before=column.shares[-1],
                missing_now=float(counts[-1]) / tally.n_counted,
                below=ends.below,
                above=ends.above,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.psi, one.name)))


def stability_index(expected: Sequence[float], counts: Sequence[int], *, n_expected: int) -> float:
    """Return the sum over bins of (actual - expected) * ln(actual / expected).

    Parameters
    ----------
    expected : sequence of float
        Shares of the bins in training.
    counts : sequence of int
        Later rows in the same bins; bins that are empty on both sides count for nothing.
    n_expected : int
        Rows behind ``expected``.

    Examples
    --------
    >>> round(stability_index([0.5, 0.5], [750, 250], n_expected=1000), 4)
    0.2747
    """
    before, now = np.asarray(expected) * n_expected, np.asarray(counts, dtype=np.float64)
    filled = (before > 0) | (now > 0)
    before = np.maximum(before[filled], _LEAST_ROWS) / max(n_expected, 1)
    now = np.maximum(now[filled], _LEAST_ROWS) / max(now.sum(), 1)
    return float(((now - before) * np.log(now / before)).sum())


def _by_chance(n_bins: int, n_before: int, n_now: int) -> float:
    """Return what the index exceeds once in a thousand times without drift."""
    return float(chdtri(n_bins - 1, CHANCE)) * (1 / max(n_before, 1) + 1 / n_now) if n_bins > 1 else 0.0
