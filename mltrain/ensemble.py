"""Weighted soft voting: weights chosen greedily, over bags of rows, on held-out predictions.

The score that ranks the ensemble is cross-fitted: weights are scored on rows that
they were not chosen on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from mltrain.candidate import (
    Candidate,
    HeldOut,
    Recipe,
    assemble,
    best_trials,
    fold_members,
    fold_models,
    validated_parts,
    validated_y,
)
from mltrain.metrics import Metric, is_better, score
from mltrain.model import Member
from mltrain.preprocessing import Encoder
from mltrain.search import Executor, SearchJob, Study, Trial

VOTERS_PER_FAMILY = 3

Weights = NDArray[np.float64]


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
    """

    n_picks: int = 25
    n_bags: int = 10
    max_rows: int = 8_000


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
    proba: NDArray[np.float64]


def vote(
    probas: Sequence[NDArray[np.float64]],
    y: NDArray[np.int64],
    *,
    metric: Metric,
    seed: int,
    deadline: float | None = None,
    selection: Selection = Selection(),
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
        Number of the part that a row is scored with, such as its fold, where groups or time must not be torn; by
        default five parts at random.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes (2004), Ensemble selection from libraries of models,
    https://doi.org/10.1145/1015330.1015432: greedy selection with replacement, and bagging it.
    """
    stacked = np.stack([p.astype(np.float64) for p in probas])
    weights = choose_weights(stacked, y, metric=metric, seed=seed, deadline=deadline, selection=selection)
    proba = np.empty_like(stacked[0])
    quick = Selection(n_picks=selection.n_picks, n_bags=max(1, selection.n_bags // 3), max_rows=selection.max_rows)
    for part, (rest, held_out) in enumerate(_parts(y, seed) if parts is None else _given_parts(parts)):
        fitted = choose_weights(
            stacked[:, rest], y[rest], metric=metric, seed=seed + 1 + part, deadline=deadline, selection=quick
        )
        proba[held_out] = np.tensordot(fitted, stacked[:, held_out], axes=1)
    return Vote(weights=weights, score=score(metric, y, proba), proba=proba)


def choose_weights(
    stacked: NDArray[np.float64],
    y: NDArray[np.int64],
    *,
    metric: Metric,
    seed: int,
    deadline: float | None = None,
    selection: Selection = Selection(),
) -> Weights:
    """Return weights of shape (n_members,) for predictions of shape (n_members, n_samples, n_classes)."""
    rng = np.random.default_rng(seed)
    bag_rows = min(max(len(y) // 2, 1), selection.max_rows)
    bags = []
    for _ in range(selection.n_bags):
        rows = _bag(y, bag_rows, rng)
        bags.append(_greedy(stacked[:, rows], y[rows], metric=metric, n_picks=selection.n_picks))
        if deadline is not None and time.monotonic() > deadline:
            break
    averaged: Weights = np.mean(bags, axis=0)
    return averaged


def _greedy(stacked: NDArray[np.float64], y: NDArray[np.int64], *, metric: Metric, n_picks: int) -> Weights:
    """Add the member that helps most, again and again; keep the best prefix."""
    counts = np.zeros(len(stacked))
    total = np.zeros_like(stacked[0])
    best_counts, best = counts, float("nan")
    for pick in range(1, n_picks + 1):
        scores = [score(metric, y, (total + member) / pick) for member in stacked]
        chosen = int(np.argmax(scores) if metric.greater_is_better else np.argmin(scores))
        counts = counts.copy()
        counts[chosen] += 1
        total = total + stacked[chosen]
        if np.isnan(best) or is_better(metric, scores[chosen], best):
            best_counts, best = counts, scores[chosen]
        elif pick - best_counts.sum() >= 5:
            break
    weights: Weights = best_counts / best_counts.sum()
    return weights


def _bag(y: NDArray[np.int64], n_rows: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw rows without replacement, redrawn while a class is missing that a metric may need."""
    rows = rng.permutation(len(y))[:n_rows]
    for _ in range(20):
        if len(np.unique(y[rows])) == len(np.unique(y)) or len(np.unique(y)) > 2:
            break
        rows = rng.permutation(len(y))[:n_rows]
    return np.sort(rows)


def _parts(y: NDArray[np.int64], seed: int, n_parts: int = 5) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    rarest = int(np.bincount(y)[np.unique(y)].min())
    kind = StratifiedKFold if rarest >= n_parts else KFold
    splitter = kind(n_splits=min(n_parts, len(y)), shuffle=True, random_state=seed)
    return [(rest, held_out) for rest, held_out in splitter.split(np.zeros(len(y)), y)]


def _given_parts(parts: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    return [(np.flatnonzero(parts != part), np.flatnonzero(parts == part)) for part in np.unique(parts)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """A family whose search has ended and whose candidate is kept."""

    job: SearchJob
    study: Study
    encoder: Encoder
    kept: Candidate


@dataclass(frozen=True, kw_only=True, slots=True)
class _Voter:
    searched: Searched
    trial: Trial
    proba: NDArray[np.float64]

    @property
    def label(self) -> str:
        return f"{self.searched.study.name}#{self.trial.number}"


def keep_ensemble(
    searched: Sequence[Searched], *, recipe: Recipe, executor: Executor, deadline: float | None
) -> Candidate:
    """Let the best trials of all families vote, and make the vote a candidate.

    Parameters
    ----------
    searched : sequence of Searched
        Two families or more, validated on the same folds.
    deadline : float, optional
        `time.monotonic` value by which it ends; trials whose models would have to be fitted again and cannot by then
        do not vote.
    """
    voters = _voters(searched, recipe.metric, deadline=deadline)
    y = validated_y(searched[0].job)
    parts = validated_parts(searched[0].job)
    chosen = vote(
        [v.proba for v in voters],
        y,
        metric=recipe.metric,
        seed=recipe.seed,
        deadline=_halfway(deadline),
        parts=parts,
    )
    weights = _without_crumbs(chosen.weights)
    members = [
        member
        for voter, weight in zip(voters, weights, strict=True)
        if weight > 0
        for member in _members(voter, float(weight), executor=executor, deadline=deadline)
    ]
    encoders = {v.searched.job.view.kind: v.searched.encoder for v, w in zip(voters, weights, strict=True) if w > 0}
    held_out = HeldOut(y=y, proba=chosen.proba, parts=parts)
    model, held_out = assemble("ensemble", members, encoders=encoders, held_out=held_out, recipe=recipe)
    return Candidate(
        model=model,
        validation_score=chosen.score,
        held_out=held_out,
        final_fit="vote",
        weights={v.label: round(float(w), 6) for v, w in zip(voters, weights, strict=True) if w > 0},
    )


def _voters(searched: Sequence[Searched], metric: Metric, *, deadline: float | None) -> list[_Voter]:
    """Return up to three trials of each family: those at hand, and those that can be fitted again in time."""
    voters = []
    spare_s = float("inf") if deadline is None else 0.5 * (deadline - time.monotonic())
    for family in searched:
        for trial in best_trials(family.study, metric, n=VOTERS_PER_FAMILY):
            at_hand = trial is family.kept.trial or trial.number in family.study.models
            if not at_hand:
                spare_s -= trial.seconds
            if (at_hand or spare_s > 0) and trial.proba is not None:
                voters.append(_Voter(searched=family, trial=trial, proba=trial.proba))
    return sorted(voters, key=lambda v: (v.trial.score or 0.0) * (-1 if metric.greater_is_better else 1))


def _members(voter: _Voter, weight: float, *, executor: Executor, deadline: float | None) -> tuple[Member, ...]:
    searched = voter.searched
    if voter.trial is searched.kept.trial:
        return tuple(replace(member, weight=weight * member.weight) for member in searched.kept.model.members)
    fitted = fold_models(searched.study, searched.job, voter.trial, executor=executor, deadline=deadline)
    return fold_members(searched.job, fitted, weight=weight)


def _without_crumbs(weights: Weights, least: float = 0.02) -> Weights:
    """Drop votes too small to matter: each costs time at every prediction."""
    kept = np.where(weights >= least, weights, 0.0)
    return kept / kept.sum() if kept.sum() else weights


def _halfway(deadline: float | None) -> float | None:
    return None if deadline is None else (time.monotonic() + deadline) / 2
