"""The voting candidate: which trials vote, with which of their models, and what that costs at every prediction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from mltrain.candidate import Candidate, Recipe, assemble, held_out_rows, validated_parts, validated_y
from mltrain.ensemble.voters import Searched, Voter, find_voters, kinds_of
from mltrain.final_fit import Final, fit_finally, refit_outcome, replaced_by_refits, start_refit
from mltrain.metrics import score
from mltrain.model import Member
from mltrain.models import Fitted
from mltrain.models.traits import traits_of
from mltrain.prediction_cost import MOST_PREDICTION_S, share_models
from mltrain.search import Executor, as_scored
from mltrain.voting import Selection, Vote, beside_members, is_outdone, vote


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BegunVote:
    """A vote that is held, while models of its voters on all rows may still be fitted.

    Attributes
    ----------
    searched : sequence of Searched
        The families that were asked.
    voters : sequence of Voter
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
    voters: Sequence[Voter]
    chosen: Vote
    weights: Mapping[Voter, float]
    finals: Mapping[Voter, Final]
    members: Mapping[Voter, Sequence[Member]]
    refits: Sequence[tuple[Voter, Future[Fitted | None]]]


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
    voters = find_voters(searched, recipe.metric, n_cores=executor.n_cores, deadline=deadline)
    finals: dict[Voter, Final] = {}
    while True:
        chosen = _vote(voters, recipe=recipe, deadline=deadline)
        weights = {v: float(w) for v, w in zip(voters, chosen.weights, strict=True) if w > 0}
        new = [voter for voter in weights if voter not in finals]
        finals |= _finals(new, recipe=recipe, executor=executor, deadline=deadline)
        # After a resume models are fitted again; those that the clock cut short are not those whose predictions voted,
        # and there is no time for others.
        cut = {voter for voter in finals if finals[voter].cut is not None}
        if cut.isdisjoint(weights):
            break
        voters = [voter for voter in voters if voter not in cut and (voter.is_at_hand or voter in finals)]
    finals = {voter: finals[voter] for voter in weights}
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


def _vote(voters: Sequence[Voter], *, recipe: Recipe, deadline: float | None) -> Vote:
    """Choose the weights of these voters."""
    job = voters[0].searched.job
    return vote(
        [v.proba for v in voters],
        validated_y(job),
        metric=recipe.metric,
        seed=recipe.seed,
        deadline=_halfway(deadline),
        selection=Selection(
            costs=tuple(v.cost_s for v in voters),
            most_cost=MOST_PREDICTION_S,
            kinds=kinds_of(voters),
        ),
        parts=validated_parts(job),
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
    crossed = score(recipe.metric, validated_y(job), as_scored(job, begun.chosen.proba))
    model, held_out = assemble("ensemble", voting, encoders=encoders, held_out=held_out, recipe=recipe)
    return Candidate(
        model=model,
        validation_score=_ranked_score(begun, crossed),
        cross_fitted_score=crossed,
        held_out=held_out,
        final_fit="vote",
        weights={voter.label: weight for voter, weight in weights.items()},
        member_fits={voter.label: final.kind for voter, final in begun.finals.items()},
        member_models={voter.label: len(members[voter]) for voter in weights},
        member_refits={voter.label: len(refits.get(voter, ())) for voter in weights},
        sharpness={voter.label: voter.sharpness for voter in weights},
        notes=notes,
    )


def _ranked_score(begun: BegunVote, crossed: float) -> float:
    """Return what the vote counts for beside the families that it was made of."""
    job, metric = begun.searched[0].job, begun.recipe.metric
    y = validated_y(job)

    def outdone() -> bool:
        probas = [voter.proba for voter in begun.voters]
        return is_outdone(
            begun.chosen.proba, probas, y, metric=metric, seed=begun.recipe.seed, parts=validated_parts(job)
        )

    families = [family.kept.validation_score for family in begun.searched]
    return beside_members(crossed, outdone=outdone, members=families, metric=metric)


def _finals(
    voters: Sequence[Voter], *, recipe: Recipe, executor: Executor, deadline: float | None
) -> dict[Voter, Final]:
    """Return the final fits of the voters: those that their families kept, and, where models are refitted, new ones."""
    deadline = _before_saving(deadline)
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


def _members(say: Mapping[Voter, float], finals: Mapping[Voter, Final]) -> dict[Voter, Sequence[Member]]:
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
    members: Mapping[Voter, Sequence[Member]], *, executor: Executor, deadline: float | None
) -> list[tuple[Voter, Future[Fitted | None]]]:
    """Begin models of the voters on all rows, as many as each has fold models, those that say most first."""
    deadline = _before_saving(deadline)
    wanted = [
        (member.weight, -repeat, voter, voter.searched)
        for voter, ours in members.items()
        for repeat, member in enumerate(ours)
        if repeat == 0 or traits_of(voter.searched.job.family).uses_seed
    ]
    return [
        (voter, start_refit(of.study, of.job, voter.trial, executor=executor, deadline=deadline, repeat=-repeat))
        for _, repeat, voter, of in sorted(wanted, key=lambda each: each[:2], reverse=True)
    ]


def _ended_refits(
    begun: Sequence[tuple[Voter, Future[Fitted | None]]],
) -> tuple[dict[Voter, list[Fitted]], tuple[str, ...]]:
    """Return the models of each voter that ended in time, and what failed."""
    ended: dict[Voter, list[Fitted]] = {voter: [] for voter, _ in begun}
    without: set[Voter] = set()
    notes = []
    for voter, future in begun:
        fitted, problem = refit_outcome(future)
        if fitted is None:
            notes += [f"{voter.label}: {problem}"] if future.exception() and voter not in without else []
            without.add(voter)
        elif voter not in without:  # they are told by their number alone when they are made again
            ended[voter].append(fitted)
    return ended, tuple(notes)


def _kept(voter: Voter) -> Final:
    kept = voter.searched.kept
    return Final(members=kept.model.members, kind=kept.final_fit)


def _before_saving(deadline: float | None) -> float | None:
    """Leave time to calibrate and to save: a second, or half of what there is."""
    return None if deadline is None else deadline - min(1.0, 0.5 * max(deadline - time.monotonic(), 0.0))


def _halfway(deadline: float | None) -> float | None:
    return None if deadline is None else (time.monotonic() + deadline) / 2
