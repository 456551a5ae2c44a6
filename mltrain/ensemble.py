"""The voting candidate: which trials vote, with which of their models, and what that costs at every prediction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration import MOST_SHARPNESS, fit_sharpness, sharpen
from mltrain.candidate import Candidate, Recipe, assemble, held_out_rows, validated_parts, validated_y
from mltrain.final_fit import Final, fit_finally, refit_outcome, replaced_by_refits, start_refit
from mltrain.metrics import Metric, score
from mltrain.model import Member
from mltrain.models import Fitted
from mltrain.prediction_cost import MOST_PREDICTION_S, prediction_s, share_models
from mltrain.preprocessing import Encoder
from mltrain.search import Executor, SearchJob, Study, Trial, as_scored, contenders, variant_of
from mltrain.voting import Selection, Vote, beside_members, is_outdone, vote


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """A family whose search has ended and whose candidate is kept."""

    job: SearchJob
    study: Study
    encoder: Encoder
    kept: Candidate


def without_data(searched: Searched) -> Searched:
    """Return a family without its rows, what its fits shared, and the predictions of trials that will not vote.

    Each is as large as a part of the table. Its voters keep the fits that they have: none can be fitted again.
    """
    view = replace(searched.job.view, X=searched.job.view.X[:0].copy())  # a slice alone would hold on to the whole
    voters = {trial.number for trial in contenders(searched.study.trials, searched.job)}
    if searched.kept.trial is not None:
        voters.add(searched.kept.trial.number)
    trials = tuple(trial if trial.number in voters else replace(trial, proba=None) for trial in searched.study.trials)
    study = replace(searched.study, prepared=None, trials=trials)
    return replace(searched, job=replace(searched.job, view=view), study=study)


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
    def cost_s(self) -> float:
        """Core-seconds that one of its models takes for 1,000 rows."""
        return prediction_s(self.searched.job, self.trial.params, self.trial.n_rounds) / len(self.trial.n_rounds)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BegunVote:
    """A vote that is held, while models of its voters on all rows may still be fitted.

    Attributes
    ----------
    searched : sequence of Searched
        The families that were asked.
    voters : sequence of _Voter
        All that were asked, best first.
    chosen : Vote
        Weights of ``voters``, score and predictions.
    members : mapping of voter to its models
        Of those with a weight.
    refits : sequence of (voter, Future)
        In the order in which they were begun.
    """

    searched: Sequence[Searched]
    recipe: Recipe
    voters: Sequence[_Voter]
    chosen: Vote
    weights: Mapping[_Voter, float]
    finals: Mapping[_Voter, Final]
    members: Mapping[_Voter, Sequence[Member]]
    refits: Sequence[tuple[_Voter, Future[Fitted | None]]]


def begin_vote(
    searched: Sequence[Searched], *, recipe: Recipe, executor: Executor, deadline: float | None
) -> BegunVote:
    """Let the best trials of all families vote, and begin what is to be fitted for it.

    Parameters
    ----------
    searched : sequence of Searched
        Two families or more, validated on the same folds.
    deadline : float, optional
        `time.monotonic` value by which the ensemble is to be saved; trials whose models would have to be fitted again
        and cannot by then do not vote.
    """
    voters = _voters(searched, recipe.metric, deadline=deadline)
    chosen = vote(
        [v.proba for v in voters],
        validated_y(searched[0].job),
        metric=recipe.metric,
        seed=recipe.seed,
        deadline=_halfway(deadline),
        selection=Selection(
            costs=tuple(v.cost_s for v in voters),
            most_cost=MOST_PREDICTION_S,
            kinds=_kinds(voters),
        ),
        parts=validated_parts(searched[0].job),
    )
    weights = {v: float(w) for v, w in zip(voters, chosen.weights, strict=True) if w > 0}
    finals = _finals(list(weights), recipe=recipe, executor=executor, deadline=deadline)
    members = _members(weights, finals)
    refits = _begin_refits(members, executor=executor, deadline=deadline) if recipe.refits_voters else []
    return BegunVote(
        searched=searched,
        recipe=recipe,
        voters=voters,
        chosen=chosen,
        weights=weights,
        finals=finals,
        members=members,
        refits=refits,
    )


def end_vote(begun: BegunVote) -> Candidate:
    """Wait for what is still fitted and make the vote a candidate."""
    recipe, job, weights = begun.recipe, begun.searched[0].job, begun.weights
    refits, notes = _ended_refits(begun.refits)
    members = {
        voter: replaced_by_refits(
            voter.searched.job, voter.trial, ours, refits.get(voter, ()), sharpness=voter.sharpness
        )
        for voter, ours in begun.members.items()
    }
    encoders = {voter.searched.job.view.kind: voter.searched.encoder for voter in weights}
    held_out = held_out_rows(job, begun.chosen.proba)
    voting = [member for ours in members.values() for member in ours]
    model, held_out = assemble("ensemble", voting, encoders=encoders, held_out=held_out, recipe=recipe)
    return Candidate(
        model=model,
        validation_score=_score(begun),
        held_out=held_out,
        final_fit="vote",
        weights={voter.label: weight for voter, weight in weights.items()},
        member_fits={voter.label: final.kind for voter, final in begun.finals.items()},
        member_models={voter.label: len(members[voter]) for voter in weights},
        member_refits={voter.label: len(refits.get(voter, ())) for voter in weights},
        sharpness={voter.label: voter.sharpness for voter in weights},
        notes=notes,
    )


def _score(begun: BegunVote) -> float:
    """Return what the vote is worth beside the families that it was made of."""
    job, metric = begun.searched[0].job, begun.recipe.metric
    y = validated_y(job)

    def outdone() -> bool:
        probas = [voter.proba for voter in begun.voters]
        return is_outdone(
            begun.chosen.proba, probas, y, metric=metric, seed=begun.recipe.seed, parts=validated_parts(job)
        )

    crossed = score(metric, y, as_scored(job, begun.chosen.proba))
    families = [family.kept.validation_score for family in begun.searched]
    return beside_members(crossed, outdone=outdone, members=families, metric=metric)


def _voters(searched: Sequence[Searched], metric: Metric, *, deadline: float | None) -> list[_Voter]:
    """Return the contenders of each family: those at hand, and those that can be fitted again in time."""
    voters = []
    y = validated_y(searched[0].job)
    spare_s = float("inf") if deadline is None else 0.5 * (deadline - time.monotonic())
    for family in searched:
        for trial in contenders(family.study.trials, family.job):
            at_hand = trial is family.kept.trial or trial.number in family.study.models
            if not at_hand and not family.job.view.n_samples:
                continue
            if not at_hand:
                spare_s -= trial.seconds
            if (at_hand or spare_s > 0) and trial.proba is not None:
                # What its folds were sharpened by counts: together no more than one of the two may do alone.
                most = MOST_SHARPNESS / max(trial.mean_sharpness, 1.0)
                sharpness = min(fit_sharpness(trial.proba, y), most)
                proba = sharpen(trial.proba.astype(np.float64), sharpness)
                voters.append(_Voter(searched=family, trial=trial, proba=proba, sharpness=sharpness))
    return sorted(voters, key=lambda v: (v.trial.score or 0.0) * (-1 if metric.greater_is_better else 1))


def _kinds(voters: Sequence[_Voter]) -> tuple[int, ...]:
    """Return the number of each voter's kind: its family, or, where that has several variants, its variant."""
    kinds = [(voter.searched.study.name, variant_of(voter.searched.job, voter.trial.params)) for voter in voters]
    return tuple(kinds.index(kind) for kind in kinds)


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


def _members(say: Mapping[_Voter, float], finals: Mapping[_Voter, Final]) -> dict[_Voter, Sequence[Member]]:
    """Return the models of each voter, as many as predict in time, with their shares of the vote."""
    n_models = share_models(
        list(say.values()),
        [voter.cost_s for voter in say],
        n_models=[len(finals[voter].members) for voter in say],
    )
    return {
        voter: [
            replace(member, weight=weight / n, sharpness=voter.sharpness * member.sharpness)
            for member in finals[voter].members[:n]
        ]
        for (voter, weight), n in zip(say.items(), n_models, strict=True)
    }


def _begin_refits(
    members: Mapping[_Voter, Sequence[Member]], *, executor: Executor, deadline: float | None
) -> list[tuple[_Voter, Future[Fitted | None]]]:
    """Begin models of the voters on all rows, as many as each has fold models, those that say most first."""
    deadline = _before_saving(deadline)
    wanted = [
        (member.weight, -repeat, voter, voter.searched)
        for voter, ours in members.items()
        for repeat, member in enumerate(ours)
        if repeat == 0 or getattr(voter.searched.job.family, "uses_seed", True)
    ]
    return [
        (voter, start_refit(of.study, of.job, voter.trial, executor=executor, deadline=deadline, repeat=-repeat))
        for _, repeat, voter, of in sorted(wanted, key=lambda each: each[:2], reverse=True)
    ]


def _ended_refits(
    begun: Sequence[tuple[_Voter, Future[Fitted | None]]],
) -> tuple[dict[_Voter, list[Fitted]], tuple[str, ...]]:
    """Return the models of each voter that ended in time, and what failed."""
    ended: dict[_Voter, list[Fitted]] = {voter: [] for voter, _ in begun}
    without: set[_Voter] = set()
    notes = []
    for voter, future in begun:
        fitted, problem = refit_outcome(future)
        if fitted is None:
            notes += [f"{voter.label}: {problem}"] if future.exception() and voter not in without else []
            without.add(voter)
        elif voter not in without:  # they are told by their number alone when they are made again
            ended[voter].append(fitted)
    return ended, tuple(notes)


def _kept(voter: _Voter) -> Final:
    kept = voter.searched.kept
    return Final(members=kept.model.members, kind=kept.final_fit)


def _before_saving(deadline: float | None) -> float | None:
    """Leave time to calibrate and to save: a second, or half of what there is."""
    return None if deadline is None else deadline - min(1.0, 0.5 * max(deadline - time.monotonic(), 0.0))


def _halfway(deadline: float | None) -> float | None:
    return None if deadline is None else (time.monotonic() + deadline) / 2
