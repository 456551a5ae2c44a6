"""What a vote is worth on rows that its weights were not chosen on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from mltrain.metrics import Codes, Floats, Metric, is_better, score, score_or_nan
from mltrain.voting.drawing import draw_rows
from mltrain.voting.judging import judged_by, make_judge, rows_to_judge
from mltrain.voting.weights import STEADY, Selection, Weights, choose_weights

MOST_PICKED_FROM = 20
"""So many of a family's best trials keep their predictions: lower ones are not picked on four fifths of the rows."""

# Of five parts, where nothing is to be gained, one in twenty shows a gain of more (Student's t of 4 degrees: 2.13).
_ERRORS = 2.0
# Of more rows the best of some models is all but surely the best of them all.
_MOST_ROWS = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """Chosen weights, and what they are worth on rows they were not chosen on.

    Attributes
    ----------
    weights : ndarray of shape (n_members,), sums to 1
    score : float
        Cross-fitted score.
    proba : ndarray of shape (n_samples, n_classes)
        Cross-fitted predictions: each row by weights chosen without it.
    """

    weights: Weights
    score: float
    proba: Floats


def vote(
    probas: Sequence[NDArray[np.floating]],
    y: Codes,
    *,
    metric: Metric,
    seed: int,
    deadline: float | None = None,
    selection: Selection = STEADY,
    parts: NDArray[np.intp] | None = None,
) -> Vote:
    """Choose weights for several models' held-out predictions.

    Parameters
    ----------
    probas : sequence of ndarray of shape (n_samples, n_classes)
        One per member, best first, aligned with ``y``.
    deadline : float, optional
        `time.monotonic` value after which no further bag is begun; at least one always is.
    parts : ndarray of shape (n_samples,), optional
        Number of the part that a row is scored with, such as its fold, where groups, time or the repeats of a row must
        not be torn; by default five parts at random.
    """
    stacked = np.stack([p.astype(np.float64) for p in probas])
    weights = choose_weights(stacked, y, metric=metric, seed=seed, deadline=deadline, selection=selection)
    proba = np.empty_like(stacked[0])
    quick = replace(selection, n_bags=max(1, selection.n_bags // 3))
    for part, (rest, held_out) in enumerate(_parts(y, seed, parts)):
        fitted = choose_weights(
            stacked[:, rest], y[rest], metric=metric, seed=seed + 1 + part, deadline=deadline, selection=quick
        )
        proba[held_out] = np.tensordot(fitted, stacked[:, held_out], axes=1)
    return Vote(weights=weights, score=score(metric, y, proba), proba=proba)


def pick(
    probas: Sequence[NDArray[np.floating]],
    y: Codes,
    *,
    metric: Metric,
    seed: int,
    parts: NDArray[np.intp] | None = None,
) -> float:
    """Return what the best of several models is worth on rows that it was not picked on.

    The best of many noisy scores flatters, the more the fewer rows there are and the more models were tried; a vote
    scored on rows that its weights were not chosen on must not be compared with that.

    Parameters
    ----------
    probas : sequence of ndarray of shape (n_samples, n_classes)
        The best one on all rows first.
    parts : ndarray of shape (n_samples,), optional
        As for `vote`.

    Returns
    -------
    float
        The best model's score, less what it loses on each part when it is picked without that part: the mean over
        parts, by their rows. Parts of one class, or on which the metric is undefined, do not count; where none does, it
        is the score itself.

    Notes
    -----
    The one to pick is judged as votes are (`make_judge`), on at most 50,000 rows; what it loses is the
    metric's own.

    References
    ----------
    Cawley, Talbot (2010), On over-fitting in model selection and subsequent selection bias in performance evaluation,
    JMLR 11, 2079-2107.
    """
    best = score(metric, y, probas[0].astype(np.float64))
    if len(probas) == 1:
        return best
    losses, sizes = [], []
    for held_out, picked in _picked(probas, y, metric=metric, seed=seed, parts=parts):
        here = {model: _part_score(metric, y[held_out], probas[model][held_out]) for model in (0, picked)}
        if math.isfinite(here[0] - here[picked]):
            losses.append(here[0] - here[picked])
            sizes.append(len(held_out))
    return best - float(np.average(losses, weights=sizes)) if losses else best


def is_outdone(
    crossed: Floats,
    probas: Sequence[NDArray[np.floating]],
    y: Codes,
    *,
    metric: Metric,
    seed: int,
    parts: NDArray[np.intp] | None = None,
) -> bool:
    """Tell whether picking one of several models is worth more than their vote, by more than two standard errors.

    Parameters
    ----------
    crossed : ndarray of shape (n_samples, n_classes)
        What the vote says, each row by weights chosen without it.
    probas : sequence of ndarray of shape (n_samples, n_classes)
    parts : ndarray of shape (n_samples,), optional
        As for `vote`.

    Notes
    -----
    The gain is the mean over parts, each scored by the model that is best without it; its standard error is that of
    the mean. Parts of one class, or on which the metric is undefined, do not count, and fewer than two show nothing.
    """
    differences = [
        _part_score(metric, y[held_out], probas[picked][held_out]) - _part_score(metric, y[held_out], crossed[held_out])
        for held_out, picked in _picked(probas, y, metric=metric, seed=seed, parts=parts)
    ]
    gains = [difference for difference in differences if math.isfinite(difference)]
    if len(gains) < 2:
        return False
    sign = 1 if metric.greater_is_better else -1
    return bool(sign * np.mean(gains) > _ERRORS * np.std(gains, ddof=1) / np.sqrt(len(gains)))


def beside_members(crossed: float, *, outdone: Callable[[], bool], members: Sequence[float], metric: Metric) -> float:
    """Return a vote's score, fit to be ranked beside those of its members.

    Parameters
    ----------
    crossed : float
        What voting is worth on rows that its weights were not chosen on.
    outdone : callable
        Tells whether picking one of the voters is worth more, see `is_outdone`; asked only where a member is ahead.
    members : sequence of float
        Scores of those that it is ranked beside.

    Notes
    -----
    The best of several scores flatters: nobody has told it that it was picked. So a vote counts for no less than the
    best member, and for a last bit more, unless picking one is clearly worth more. In 20 runs of two classes a family
    was ahead of its vote, by at most 0.003 of ROC AUC; on test rows the vote was better in 15, by 0.0013 on average
    (runs of 15 and 60 s, `benchmarks.peers`, 2026-11-24 to 27). With one standard error for clearly, the best of 31
    trials of LightGBM took the place of a vote on digits, 0.0023 of log loss ahead of it: on test rows it had 0.068,
    the vote 0.040.
    """
    best = max(members) if metric.greater_is_better else min(members)
    if is_better(metric, crossed, best) or outdone():
        return crossed
    return float(np.nextafter(best, np.inf if metric.greater_is_better else -np.inf))


def _part_score(metric: Metric, y: Codes, proba: NDArray[np.floating]) -> float:
    """Return the score of one part; NaN where the metric is undefined, or one class leaves nothing to tell apart.

    A metric that log loss stands in for is called once, not for every threshold: as many rows as are positive, the
    likeliest, are decided for.
    """
    if len(np.unique(y)) < 2:
        return math.nan
    is_slow = metric.needs == "labels" and judged_by(metric) is not metric
    threshold = float(np.quantile(proba[:, 1], 1 - np.mean(y == 1), method="higher")) if is_slow else None
    return score_or_nan(metric, y, proba.astype(np.float64), threshold=threshold)


def _picked(
    probas: Sequence[NDArray[np.floating]], y: Codes, *, metric: Metric, seed: int, parts: NDArray[np.intp] | None
) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Yield the rows of each part, and the model that is best without them; of equals the first."""
    n_classes = probas[0].shape[1]
    most = rows_to_judge(metric, n_classes=n_classes, max_rows=_MOST_ROWS, max_rows_one_by_one=_MOST_ROWS)
    rng = np.random.default_rng(seed)
    for rest, held_out in _parts(y, seed, parts):
        rows = rest[draw_rows(y[rest], most, rng)]
        judge = make_judge(np.stack([proba[rows] for proba in probas]), y[rows], metric=metric)
        yield held_out, int(np.argmax(np.nan_to_num(judge.scores(judge.votes, 1), nan=-np.inf)))


def _parts(
    y: Codes, seed: int, given: NDArray[np.intp] | None, n_parts: int = 5
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the rows without and within each part: those that are given, or parts at random."""
    if given is not None:
        return [(np.flatnonzero(given != part), np.flatnonzero(given == part)) for part in np.unique(given)]
    rarest = int(np.bincount(y)[np.unique(y)].min())
    kind = StratifiedKFold if rarest >= n_parts else KFold
    splitter = kind(n_splits=min(n_parts, len(y)), shuffle=True, random_state=seed)
    return [(rest, held_out) for rest, held_out in splitter.split(np.zeros(len(y)), y)]
