"""How well one column, or any score, tells classes apart: the area under the ROC curve with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5
PRIOR_ROWS = 10.0
Z = 1.96


@dataclass(frozen=True, kw_only=True, slots=True)
class Separation:
    """An AUC and its 95 % interval; for several classes one against the rest, weighted by their shares."""

    auc: float
    low: float
    high: float


def held_out_shares(codes: NDArray[np.int64], y: NDArray[np.int64], *, folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each class among rows of the same code in the other folds, shape (n_samples, n_classes).

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Bins of a column.
    y : ndarray of shape (n_samples,), class codes from 0
    folds : ndarray of shape (n_samples,)
        Fold of each row, from 0.

    Notes
    -----
    Shares are drawn towards those of all rows with the weight of ten rows, so that levels seen once say little. One
    tally per fold is subtracted from the whole, which costs one pass however many folds there are.
    """
    n_codes, n_classes = int(codes.max()) + 1, int(y.max()) + 1
    prior = np.bincount(y, minlength=n_classes) / len(y)
    cells = codes * n_classes + y
    whole = np.bincount(cells, minlength=n_codes * n_classes).reshape(n_codes, n_classes)
    shares = np.empty((len(y), n_classes))
    for fold in range(N_FOLDS):
        inside = folds == fold
        own = np.bincount(cells[inside], minlength=n_codes * n_classes).reshape(n_codes, n_classes)
        others = whole - own
        table = (others + PRIOR_ROWS * prior) / (others.sum(axis=1, keepdims=True) + PRIOR_ROWS)
        shares[inside] = table[codes[inside]]
    return shares


def separation(scores: NDArray[np.float64], y: NDArray[np.int64]) -> Separation:
    """Return how well scores rank the classes.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Larger means that the class is more likely.
    y : ndarray of shape (n_samples,), class codes from 0

    References
    ----------
    The variance is that of the placement values: DeLong, DeLong, Clarke-Pearson (1988), doi:10.2307/2531595; for
    pooled held-out scores see LeDell, Petersen, van der Laan (2015), doi:10.1214/15-EJS1035.

    Examples
    --------
    >>> separation(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]), np.array([0, 0, 1, 1])).auc
    1.0
    """
    n = len(y)
    counts = np.bincount(y, minlength=scores.shape[1])
    there = [code for code in np.flatnonzero(counts) if counts[code] < n]
    auc, influence = 0.0, np.zeros(n)
    # Of two classes, one against the other says it all.
    judged = there[-1:] if len(there) == 2 else there
    weights = counts[judged] / counts[judged].sum()
    for weight, code in zip(weights, judged, strict=True):
        one_auc, one_influence = _one_against_rest(scores[:, code], y == code)
        auc += weight * one_auc
        influence += weight * one_influence
    spread = Z * float(np.sqrt(np.mean(influence**2) / n))
    return Separation(auc=float(auc), low=max(float(auc) - spread, 0.0), high=min(float(auc) + spread, 1.0))


def _one_against_rest(score: NDArray[np.float64], is_class: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """Return the AUC of one class, and by how much each row moves it, shape (n_samples,)."""
    _, ranks = np.unique(score, return_inverse=True)
    inside = np.bincount(ranks[is_class], minlength=int(ranks.max()) + 1).astype(np.float64)
    outside = np.bincount(ranks[~is_class], minlength=len(inside)).astype(np.float64)
    n_inside, n_outside = inside.sum(), outside.sum()
    # Share of the other side below each score; ties count half.
    below = (np.cumsum(outside) - outside / 2) / n_outside
    above = 1 - (np.cumsum(inside) - inside / 2) / n_inside
    auc = float(inside @ below / n_inside)
    placement = np.where(is_class, below[ranks], above[ranks])
    share = np.where(is_class, n_inside, n_outside) / len(score)
    return auc, (placement - auc) / share


def deal_folds(n_samples: int, *, seed: int, groups: NDArray[np.int32] | None = None) -> NDArray[np.int64]:
    """Return a fold for each row, shape (n_samples,); rows of a group share theirs.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,), optional
        A number from 0 for each row's group.
    """
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.permutation(np.arange(n_samples) % N_FOLDS)
    n_groups = int(groups.max()) + 1
    return rng.permutation(np.arange(n_groups) % N_FOLDS)[groups]
