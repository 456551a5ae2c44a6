"""Rows dealt out by shares: within strata, or whole groups at a time. Arrays in, part numbers out."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.integer[Any]]
Parts: TypeAlias = NDArray[np.uint8]
NOWHERE = 255
"""The part of a row that is in none."""


def parts_by_stratum(strata: Codes, *, ranks: Codes, shares: NDArray[np.float64]) -> Parts:
    """Return the part of each row: every stratum has its share in every part, within one row.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,), codes from 0
    ranks : ndarray of shape (n_samples,)
        Random order of the rows, no two alike.
    shares : ndarray of shape (n_parts,), summing to 1
        Part 0 takes what is left after rounding, and the only row of a stratum.

    Returns
    -------
    ndarray of shape (n_samples,), parts from 0
    """
    counts = np.bincount(strata)
    bounds = np.floor(np.outer(_shares_from_last(shares), counts) + 0.5).astype(np.int64)
    bounds = np.minimum(bounds, np.maximum(counts - 1, 0))
    parts = np.empty(len(strata), dtype=np.uint8)
    ends = np.cumsum(counts)
    order = np.argsort(strata, kind="stable")
    for code in np.flatnonzero(counts):
        rows = order[ends[code] - counts[code] : ends[code]]
        own, cuts = ranks[rows], bounds[:, code]
        first_beyond = np.partition(own, np.unique(cuts))[cuts]
        parts[rows] = len(shares) - 1 - np.searchsorted(first_beyond, own, side="right")
    return parts


def parts_by_hash(hashes: NDArray[np.uint64], *, shares: NDArray[np.float64]) -> Parts:
    """Return the part of each row, by its hash alone: rows that come later change nothing.

    Parameters
    ----------
    hashes : ndarray of shape (n_samples,), even over all 64-bit numbers
    shares : ndarray of shape (n_parts,), summing to 1
        Part 0 has the highest hashes, the last part the lowest.
    """
    cuts = np.array([int(share * 2**64) for share in _shares_from_last(shares)], dtype=np.uint64)
    return (len(shares) - 1 - np.searchsorted(cuts, hashes, side="right")).astype(np.uint8)


def parts_by_group(groups: Codes, y: Codes, *, ranks: Codes, shares: NDArray[np.float64]) -> Parts:
    """Return the part of each row: groups stay whole, shares are kept as well as they allow.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,), codes from 0 without gaps
    y : ndarray of shape (n_samples,)
        Class codes.
    ranks : ndarray of shape (n_groups,)
        Random order of the groups, no two alike.
    shares : ndarray of shape (n_parts,), summing to 1

    Notes
    -----
    Groups are laid on one line so that each stretch of it holds every stratum in proportion, a stratum being
    the groups whose rarest class is the same. The line is then cut by numbers of rows; part 0 is its end.
    """
    sizes = np.bincount(groups)
    rarity = np.argsort(np.argsort(np.bincount(y), kind="stable"), kind="stable").astype(np.int32)
    stratum = np.full(len(sizes), len(rarity), dtype=np.int32)
    np.minimum.at(stratum, groups, rarity[y])

    order = np.lexsort((ranks, stratum))
    # Ascending within each stratum: a stable sort has only to merge as many runs as there are strata.
    middle_in_order = _middles_within(stratum[order], sizes[order])
    line = order[np.argsort(middle_in_order, kind="stable")]
    middle = np.empty(len(sizes))
    middle[line] = (np.cumsum(sizes[line]) - sizes[line] / 2) / sizes.sum()
    parts = len(shares) - 1 - np.searchsorted(_shares_from_last(shares), middle, side="right")
    return _without_empty_parts(parts, sizes, ranks, n_parts=len(shares)).astype(np.uint8)[groups]


def stratified_folds(strata: Codes, *, n_folds: int, ranks: Codes) -> NDArray[np.int64]:
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


def _without_empty_parts(parts: NDArray[np.int64], sizes: Codes, ranks: Codes, *, n_parts: int) -> NDArray[np.int64]:
    """Give each empty part the smallest group of the part that has most groups, while one can be spared."""
    parts = parts.copy()
    for part in range(n_parts):
        counts = np.bincount(parts, minlength=n_parts)
        richest = int(counts.argmax())
        if counts[part] == 0 and counts[richest] > 1:
            candidates = np.flatnonzero(parts == richest)
            # Of groups of one size the first: the numbers of groups depend on the order of rows.
            parts[candidates[np.lexsort((ranks[candidates], sizes[candidates]))[0]]] = part
    return parts
