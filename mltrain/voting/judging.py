"""Scores of many votes at once, fast enough to choose weights by. What is reported is the metric's own score.

Greater is better here, whatever the metric says, and NaN is the worst.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics import LOG_LOSS, ROC_AUC, Codes, Floats, Metric, score_or_nan

Summed: TypeAlias = Callable[[Floats, int], Floats]

_EPSILON = float(np.finfo(np.float64).eps)
# 64 bins for each doubling of the odds, from 2^-24 to 2^24: 0.011 wide in the logit.
_SHIFT = 23 - 6
_LOWEST, _HIGHEST = np.float32(2.0**-24), np.float32(2.0**24)
_FIRST_BIN = int(_LOWEST.view(np.int32)) >> _SHIFT
N_BINS = (int(_HIGHEST.view(np.int32)) >> _SHIFT) - _FIRST_BIN + 1
# Logarithms are taken of products of so many probabilities: 16 of the least possible one are still above 1e-308.
_FACTORS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """What the members say about some rows, in the form in which it is summed and scored.

    Attributes
    ----------
    votes : ndarray of shape (n_members, ...)
        Sums of them are what ``scores`` takes.
    scores : callable
        ``scores(sums, n_summed)`` returns the scores of several votes, shape (n_votes,); ``sums`` has shape
        (n_votes, ...), each the sum of ``n_summed`` members.
    """

    votes: Floats
    scores: Summed


def rows_to_judge(metric: Metric, *, n_classes: int, max_rows: int, max_rows_one_by_one: int = 2_000) -> int:
    """Return how many rows to look at, so that neither many classes nor a slow metric make choosing slow.

    Parameters
    ----------
    max_rows : int
        Where votes are scored all at once and two classes are told apart.
    max_rows_one_by_one : int
        Where the metric has to be called for each vote.
    """
    if judged_by(metric) is LOG_LOSS:
        return max_rows
    most, least = (max_rows, 1_000) if metric is ROC_AUC else (min(max_rows, max_rows_one_by_one), 500)
    return max(most * 2 // n_classes, min(most, least))


def judged_by(metric: Metric) -> Metric:
    """Return what votes are judged by: the metric, or log loss where each of its scores would take too long."""
    return LOG_LOSS if metric.from_confusion is None and metric.weighted is None else metric


def make_judge(stacked: NDArray[np.floating], y: Codes, *, metric: Metric) -> Judge:
    """Return what scores votes of these members.

    Parameters
    ----------
    stacked : ndarray of shape (n_members, n_samples, n_classes)
    y : ndarray of shape (n_samples,), class codes

    Notes
    -----
    Log loss is exact. The area under the ROC curve is that of odds in some 3,000 bins, ties counting half: on
    thousands of rows it is within 0.0001 of the exact one. A metric that is known as a function alone, as
    scikit-learn's scorers are, is stood in for by log loss. Choosing weights takes thousands of scores, a library's
    call each, and of labels of two classes each is the best of 200 thresholds: that was minutes beyond any deadline.
    What is reported is the metric's own score all the same. Any other metric is called once a vote.
    """
    metric = judged_by(metric)
    if metric is LOG_LOSS:
        chosen = np.take_along_axis(stacked, y[None, :, None], axis=2)[:, :, 0]
        return Judge(votes=_factors(chosen.astype(np.float64)), scores=partial(_log_likelihoods, n_samples=len(y)))
    if metric is ROC_AUC:
        codes = _codes_with_a_rest(y, n_classes=stacked.shape[2])
        votes = np.ascontiguousarray(np.moveaxis(stacked[:, :, codes], 2, 1), dtype=np.float64)
        return Judge(votes=votes, scores=partial(_binned_aucs, sides=[(y == code).astype(np.int64) for code in codes]))
    return Judge(votes=stacked.astype(np.float64), scores=partial(_any_scores, y=y, metric=metric))


def _factors(chosen: Floats) -> Floats:
    """Lay (n_members, n_samples) probabilities out as (n_members, 16, n_samples / 16), filled up with ones."""
    n_members, n_samples = chosen.shape
    filled = np.ones((n_members, _FACTORS, -(-n_samples // _FACTORS)))
    filled.reshape(n_members, -1)[:, :n_samples] = chosen
    return filled


def _log_likelihoods(sums: Floats, n_summed: int, *, n_samples: int) -> Floats:
    """Return minus the log loss of each vote."""
    products = np.multiply.reduce(np.clip(sums / n_summed, _EPSILON, 1 - _EPSILON), axis=1)
    n_ones = products.shape[1] * _FACTORS - n_samples
    likelihoods: Floats = (np.log(products).sum(axis=1) - n_ones * np.log(1 - _EPSILON)) / n_samples
    return likelihoods


def _codes_with_a_rest(y: Codes, *, n_classes: int) -> list[int]:
    """Return the classes that have a ROC curve: the positive one of two, any that some but not all rows have."""
    codes = range(n_classes) if n_classes > 2 else [1]
    return [code for code in codes if 0 < np.count_nonzero(y == code) < len(y)]


def _binned_aucs(sums: Floats, n_summed: int, *, sides: Sequence[Codes]) -> Floats:
    """Return each vote's area under the ROC curve, meaned over classes; ``sides`` say which rows are of each class."""
    if not sides:
        return np.full(len(sums), np.nan)
    bins = _odds_bins(sums, n_summed) + (np.arange(len(sums)) * N_BINS)[:, None, None]
    areas: Floats = np.mean([_areas(bins[:, i], side, n_votes=len(sums)) for i, side in enumerate(sides)], axis=0)
    return areas


def _areas(bins: NDArray[np.int64], side: Codes, *, n_votes: int) -> Floats:
    """Count the pairs in the right order, those in one bin half; bins of different votes do not overlap."""
    n_bins = n_votes * N_BINS
    counts = np.bincount((bins + side * n_bins).ravel(), minlength=2 * n_bins).reshape(2, n_votes, N_BINS)
    not_above = np.cumsum(counts[0], axis=1)
    pairs = (counts[1] * (not_above - 0.5 * counts[0])).sum(axis=1)
    n_positives = int(side.sum())
    areas: Floats = pairs / (n_positives * (len(side) - n_positives))
    return areas


def _odds_bins(sums: Floats, n_summed: int) -> NDArray[np.int64]:
    """Return the bin of the odds: the exponent and the first bits of the mantissa are nearly a logarithm."""
    with np.errstate(divide="ignore"):
        odds = np.clip((sums / (n_summed - sums)).astype(np.float32), _LOWEST, _HIGHEST)
    return (odds.view(np.int32) >> _SHIFT).astype(np.int64) - _FIRST_BIN


def _any_scores(sums: Floats, n_summed: int, *, y: Codes, metric: Metric) -> Floats:
    scores = np.array([score_or_nan(metric, y, summed / n_summed) for summed in sums])
    return scores if metric.greater_is_better else -scores
