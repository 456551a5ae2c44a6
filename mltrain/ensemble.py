"""The voting candidate: which trials vote, with which of their models, and what that costs at every prediction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration import fit_sharpness, sharpen
from mltrain.candidate import (
    Candidate,
    Recipe,
    assemble,
    best_trials,
    held_out_rows,
    validated_parts,
    validated_y,
)
from mltrain.development import first_repeat
from mltrain.final_fit import Final, fit_finally, start_refit
from mltrain.metrics import Metric
from mltrain.preprocessing import Encoder
from mltrain.search import Executor, SearchJob, Study, Trial
from mltrain.voting import VOTERS_PER_FAMILY, Selection, vote

# Measured: 45 to 60 microseconds a tree for 1,000 rows on one core, whatever the library; 0.2 s on two cores.
MOST_TREES = 6_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """A family whose search has ended and whose candidate is kept."""

    job: SearchJob
    study: Study
    encoder: Encoder
    kept: Candidate


def without_data(searched: Searched) -> Searched:
    """Return a family without its rows and without what its fits shared, each as large as the table.

    Its voters keep the fits that they have: none can be fitted again.
    """
    view = replace(searched.job.view, X=searched.job.view.X[:0].copy())  # a slice alone would hold on to the whole
    return replace(searched, job=replace(searched.job, view=view), study=replace(searched.study, prepared=None))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Voter:
    """A trial that may vote; ``proba`` are its out-of-fold predictions, sharpened."""

    searched: Searched
    trial: Trial
    proba: NDArray[np.float64]
    sharpness: float

    @property
    def label(self) -> str:
        return f"{self.searched.study.name}#{self.trial.number}"

    @property
    def n_trees(self) -> int:
        """Trees that a prediction goes through; rounds of a model without trees are few and cost less."""
        job = self.searched.job
        n_classes = job.objective.n_classes
        is_by_class = n_classes > 2 and bool(getattr(job.family, "grows_tree_per_class", False))
        return sum(self.trial.n_rounds[: len(first_repeat(job.folds))]) * (n_classes if is_by_class else 1)


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
    names = [family.study.name for family in searched]
    chosen = vote(
        [v.proba for v in voters],
        y,
        metric=recipe.metric,
        seed=recipe.seed,
        deadline=_halfway(deadline),
        selection=Selection(
            costs=tuple(v.n_trees for v in voters),
            most_cost=MOST_TREES,
            kinds=tuple(names.index(v.searched.study.name) for v in voters),
        ),
        parts=parts,
    )
    say = {v: float(w) for v, w in zip(voters, chosen.weights, strict=True) if w > 0}
    finals = _finals(list(say), recipe=recipe, executor=executor, deadline=deadline)
    members = [
        replace(member, weight=say[voter] * member.weight, sharpness=voter.sharpness)
        for voter, final in finals.items()
        for member in final.members
    ]
    encoders = {voter.searched.job.view.kind: voter.searched.encoder for voter in say}
    held_out = held_out_rows(searched[0].job, chosen.proba)
    model, held_out = assemble("ensemble", members, encoders=encoders, held_out=held_out, recipe=recipe)
    return Candidate(
        model=model,
        validation_score=chosen.score,
        held_out=held_out,
        final_fit="vote",
        weights={voter.label: weight for voter, weight in say.items()},
        member_fits={voter.label: final.kind for voter, final in finals.items()},
        sharpness={voter.label: voter.sharpness for voter in say},
    )


def _voters(searched: Sequence[Searched], metric: Metric, *, deadline: float | None) -> list[_Voter]:
    """Return up to three trials of each family: those at hand, and those that can be fitted again in time."""
    voters = []
    y = validated_y(searched[0].job)
    spare_s = float("inf") if deadline is None else 0.5 * (deadline - time.monotonic())
    for family in searched:
        for trial in best_trials(family.study, metric, n=VOTERS_PER_FAMILY):
            at_hand = trial is family.kept.trial or trial.number in family.study.models
            if not at_hand and not family.job.view.n_samples:
                continue
            if not at_hand:
                spare_s -= trial.seconds
            if (at_hand or spare_s > 0) and trial.proba is not None:
                sharpness = fit_sharpness(trial.proba, y)
                proba = sharpen(trial.proba.astype(np.float64), sharpness)
                voters.append(_Voter(searched=family, trial=trial, proba=proba, sharpness=sharpness))
    return sorted(voters, key=lambda v: (v.trial.score or 0.0) * (-1 if metric.greater_is_better else 1))


def _finals(
    voters: Sequence[_Voter], *, recipe: Recipe, executor: Executor, deadline: float | None
) -> dict[_Voter, Final]:
    """Return the final fits of the voters: those that their families kept, and, where models are refitted, new ones."""
    new = [voter for voter in voters if voter.trial is not voter.searched.kept.trial]
    with_data = [voter for voter in new if voter.searched.job.view.n_samples]
    refits = {
        voter: start_refit(voter.searched.study, voter.searched.job, voter.trial, executor=executor, deadline=deadline)
        for voter in (with_data if recipe.final_fit == "refit" else ())
    }
    finals = {
        voter: fit_finally(
            voter.searched.study,
            voter.searched.job,
            voter.trial,
            executor=executor,
            deadline=deadline,
            refit=refits.get(voter),
        )
        for voter in new
    }
    return {voter: finals[voter] if voter in finals else _kept(voter) for voter in voters}


def _kept(voter: _Voter) -> Final:
    kept = voter.searched.kept
    return Final(members=kept.model.members, kind=kept.final_fit)


def _halfway(deadline: float | None) -> float | None:
    return None if deadline is None else (time.monotonic() + deadline) / 2
