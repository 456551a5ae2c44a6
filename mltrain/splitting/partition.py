"""Rows dealt out by shares: within strata, or whole groups at a time. Arrays in, part numbers out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def parts_by_stratum(strata: Codes, *, ranks: Codes, shares: NDArray[np.float64]) -> Codes:
    """Return the part of each row: every stratum has its share in every part, within one row.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,), codes from 0
    ranks : ndarray of shape (n_samples,)
        Random order of the rows.
    shares : ndarray of shape (n_parts,), summing to 1
        Part 0 takes what is left after rounding, and the only row of a stratum.

    Returns
    -------
    ndarray of shape (n_samples,), parts from 0
    """
    order = np.lexsort((ranks, strata))
    counts = np.bincount(strata)
    position = np.arange(len(strata)) - np.repeat(np.cumsum(counts) - counts, counts)
    bounds = np.floor(np.outer(_shares_from_last(shares), counts) + 0.5).astype(np.int64)
    bounds = np.minimum(bounds, np.maximum(counts - 1, 0))
    parts = np.empty(len(strata), dtype=np.int64)
    parts[order] = len(shares) - 1 - (position >= bounds[:, strata[order]]).sum(axis=0)
    return parts


def parts_by_group(groups: Codes, y: Codes, *, ranks: Codes, shares: NDArray[np.float64]) -> Codes:
    """Return the part of each row: groups stay whole, shares are kept as well as they allow.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,), codes from 0 without gaps
    y : ndarray of shape (n_samples,)
        Class codes.
    ranks : ndarray of shape (n_samples,)
        Random order of the rows; a group stands where its first row stands.
    shares : ndarray of shape (n_parts,), summing to 1

    Notes
    -----
    Groups are laid on one line so that each stretch of it holds every stratum in proportion, a stratum being
    the groups whose rarest class is the same. The line is then cut by numbers of rows; part 0 is its end.
    """
    sizes = np.bincount(groups)
    rarity = np.argsort(np.argsort(np.bincount(y), kind="stable"), kind="stable")
    stratum = np.full(len(sizes), len(rarity))
    np.minimum.at(stratum, groups, rarity[y])
    first = np.full(len(sizes), len(groups))
    np.minimum.at(first, groups, ranks)

    order = np.lexsort((first, stratum))
    middle = np.empty(len(sizes))
    middle[order] = _middles_within(stratum[order], sizes[order])
    line = np.lexsort((first, middle))
    middle_of_rows = np.empty(len(sizes))
    middle_of_rows[line] = (np.cumsum(sizes[line]) - sizes[line] / 2) / sizes.sum()
    parts = len(shares) - 1 - np.searchsorted(_shares_from_last(shares), middle_of_rows, side="right")
    return _without_empty_parts(parts, sizes, n_parts=len(shares))[groups]


def stratified_folds(strata: Codes, *, n_folds: int, ranks: Codes) -> Codes:
    """Return the fold of each row, even within one row; the only row of a stratum has fold -1."""
    order = np.lexsort((ranks, strata))
    folds = np.empty(len(strata), dtype=np.int64)
    folds[order] = np.arange(len(strata)) % n_folds
    return np.where(np.bincount(strata)[strata] == 1, -1, folds)


def _shares_from_last(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each part but the first ends, laid out from the last part on; shape (n_parts - 1,)."""
    # Rounding keeps 0.2 + 0.2 + 0.6 from moving a row across a bound.
    return np.round(np.cumsum(shares[::-1])[:-1], 12)


def _middles_within(stratum: Codes, sizes: Codes) -> NDArray[np.float64]:
    """Return the middle of each group in (0, 1) on the line of its stratum; groups are sorted by stratum."""
    totals = np.bincount(stratum, weights=sizes)
    before = np.cumsum(totals) - totals
    return np.asarray((np.cumsum(sizes) - sizes / 2 - before[stratum]) / totals[stratum])


def _without_empty_parts(parts: Codes, sizes: Codes, *, n_parts: int) -> Codes:
    """Give each empty part the smallest group of the part that has most groups, while one can be spared."""
    parts = parts.copy()
    for part in range(n_parts):
        counts = np.bincount(parts, minlength=n_parts)
        richest = int(counts.argmax())
        if counts[part] == 0 and counts[richest] > 1:
            candidates = np.flatnonzero(parts == richest)
            parts[candidates[sizes[candidates].argmin()]] = part
    return parts
