"""Weights of a vote, chosen greedily, over bags of rows, on held-out predictions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mltrain.metrics import Codes, Floats, Metric
from mltrain.voting.drawing import draw_rows, fewest_of_class
from mltrain.voting.judging import Judge, make_judge, rows_to_judge

Weights: TypeAlias = NDArray[np.float64]

VOTERS_PER_FAMILY = 3
"""So many of a family's best trials may vote, and the best of each further variant (`mltrain.search.contenders`)."""

_PATIENCE = 5
_SMALLEST = 1e-7


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """How greedily and how often to choose.

    Attributes
    ----------
    n_picks : int
        Picks of one bag, with replacement; more than 25 brings nothing (AutoGluon's figure).
    n_bags : int
        Bags of half the rows that the weights are averaged over.
    max_rows : int
        Rows of one bag at most, so that the cost does not grow with the table.
    least_weight : float
        Members with less do not vote: each costs time at every prediction.
    costs : tuple of float, length n_members, optional
        What each member costs at every prediction, in any unit.
    most_cost : float
        What all that vote may cost together; one may always vote.
    kinds : tuple of int, length n_members, optional
        What sort each member is of, such as its family or the variant of one; by default each is one of its own.
    prior_rows : float
        Up to so many rows the votes of the best of each kind, by what they know, are worth as much as the weights; from
        n rows on ``(prior_rows / n) ** 4`` times as much.
    """

    n_picks: int = 25
    n_bags: int = 10
    max_rows: int = 8_000
    least_weight: float = 0.02
    costs: tuple[float, ...] | None = None
    most_cost: float = float("inf")
    kinds: tuple[int, ...] | None = None
    prior_rows: float = 5_000


STEADY = Selection()


def choose_weights(
    stacked: NDArray[np.floating],
    y: Codes,
    *,
    metric: Metric,
    seed: int,
    deadline: float | None = None,
    selection: Selection = STEADY,
) -> Weights:
    """Choose weights on bags of half the rows and average them.

    Parameters
    ----------
    stacked : ndarray of shape (n_members, n_samples, n_classes)
        Held-out predictions, best member first.
    y : ndarray of shape (n_samples,), class codes
    deadline : float, optional
        `time.monotonic` value after which no further bag is begun; at least one always is.

    Returns
    -------
    ndarray of shape (n_members,)
        They sum to 1.

    Notes
    -----
    Few rows tell good weights badly. On 12 draws of 800 to 1,500 rows of german, adult, telco, credit and lending, half
    way to equal votes of the five families' best gave + 0.0016 (standard error 0.0007) of ROC AUC on test rows and
    lowered log loss by 0.0009 (0.0006); votes by what each knows, which leave out families that a table does not suit,
    are the more careful form of it. Trees that stopped early on the rows that judge them look better than they are, so
    it holds for more rows than these: in runs of 60 s, three splits each, half way to equal votes was better by 0.0005
    of ROC AUC on telco (5,634 rows) and 0.0007 on credit (3,563), worse by 0.0004 on lending (7,885); on adult, with
    9,800 rows of a holdout, a fifth of the way was worse (0.0003 and 0.0012 on two splits). So it fades quickly. Votes
    by the square of what is known left too much to forests and linear models on wide (half way - 0.0038 of ROC AUC); by
    the fourth power they cost 0.0008 there and were as good on german, telco, credit, lending and digits.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes (2004), Ensemble selection from libraries of models,
    https://doi.org/10.1145/1015330.1015432: greedy selection with replacement, and bagging it.
    """
    rng = np.random.default_rng(seed)
    most = rows_to_judge(metric, n_classes=stacked.shape[2], max_rows=selection.max_rows)
    n_rows = min(max(len(y) // 2, 1), most)
    bags = []
    for _ in range(selection.n_bags):
        rows = draw_rows(y, n_rows, rng)
        bags.append(_greedy(make_judge(stacked[:, rows], y[rows], metric=metric), n_picks=selection.n_picks))
        if deadline is not None and time.monotonic() > deadline:
            break
    prior = _prior_votes(stacked, y, selection)
    odds = min(selection.prior_rows / len(y), 1.0) ** 4
    return _thrifty((np.mean(bags, axis=0) + odds * prior) / (1 + odds), selection)


def quick_weights(
    stacked: NDArray[np.floating], y: Codes, *, metric: Metric, max_rows: int = 2_000, n_picks: int = 12, seed: int = 0
) -> Weights:
    """Choose weights in one greedy pass over some of the rows: milliseconds, good enough to see who contributes.

    Parameters
    ----------
    stacked : ndarray of shape (n_members, n_samples, n_classes)
        Held-out predictions; of two equals the earlier is chosen.
    y : ndarray of shape (n_samples,), class codes
    max_rows : int
        Rows to look at, drawn by ``seed`` with the shares of the classes kept and rows of every class, see `draw_rows`;
        500 at most for metrics that cannot be computed for all members at once.

    Returns
    -------
    ndarray of shape (n_members,)
        They sum to 1.
    """
    most = rows_to_judge(metric, n_classes=stacked.shape[2], max_rows=max_rows, max_rows_one_by_one=500)
    if len(y) > most:
        rows = draw_rows(y, most, np.random.default_rng(seed), fewest=fewest_of_class(metric))
        stacked, y = stacked[:, rows], y[rows]
    return _greedy(make_judge(stacked, y, metric=metric), n_picks=n_picks)


def _thrifty(weights: Weights, selection: Selection) -> Weights:
    """Take the vote from crumbs, then, while it costs too much, from those that give least weight for their cost."""
    kept = np.where(weights >= min(selection.least_weight, weights.max()), weights, 0.0)
    if selection.costs is not None:
        costs = np.asarray(selection.costs, dtype=np.float64)
        while costs[kept > 0].sum() > selection.most_cost and np.count_nonzero(kept) > 1:
            voting = np.flatnonzero(kept)
            kept[voting[np.argmin(kept[voting] / np.maximum(costs[voting], 1e-12))]] = 0.0
    thrifty: Weights = kept / kept.sum()
    return thrifty


def _prior_votes(stacked: NDArray[np.floating], y: Codes, selection: Selection) -> Weights:
    """Let the first member of each kind vote by the fourth power of what it knows over what it does not.

    What a member knows is how far its log loss is below that of the shares of the classes, what it does not know is
    that log loss. Who knows nothing has no say, but where nobody knows anything the first member has it.
    """
    kinds = np.arange(len(stacked)) if selection.kinds is None else np.asarray(selection.kinds)
    _, firsts = np.unique(kinds, return_index=True)
    shares = np.bincount(y, minlength=stacked.shape[2]) / len(y)
    told = np.maximum(stacked[firsts][:, np.arange(len(y)), y], _SMALLEST)
    unknown = -np.log(told).mean(axis=1)
    known = np.maximum(-np.log(shares[y]).mean() - unknown, 0.0)
    votes = np.zeros(len(stacked))
    votes[firsts] = (np.round(known, 9) / np.maximum(unknown, _SMALLEST)) ** 4
    if not votes.any():
        votes[0] = 1.0
    prior: Weights = votes / votes.sum()
    return prior


def _greedy(judge: Judge, *, n_picks: int) -> Weights:
    """Add the member that helps most, again and again; keep the best prefix."""
    counts = np.zeros(len(judge.votes))
    total: Floats = np.zeros_like(judge.votes[0])
    best_counts, best = None, -np.inf
    for pick in range(1, n_picks + 1):
        scores = np.nan_to_num(judge.scores(total + judge.votes, pick), nan=-np.inf)
        chosen = int(np.argmax(scores))
        counts[chosen] += 1
        total = total + judge.votes[chosen]
        if best_counts is None or scores[chosen] > best:
            best_counts, best = counts.copy(), scores[chosen]
        elif pick - best_counts.sum() >= _PATIENCE:
            break
    assert best_counts is not None, "at least one pick is made"
    weights: Weights = best_counts / best_counts.sum()
    return weights
