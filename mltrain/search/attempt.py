"""A trial while its folds run, and how their outcomes make a trial that ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TypeAlias

from mltrain.models import Fitted, Proba
from mltrain.search.fitting import FoldOutcome
from mltrain.search.pruning import is_hopeless
from mltrain.search.scoring import out_of_fold
from mltrain.search.sequence import Proposal
from mltrain.search.trial import Curve, State, Trial

Score: TypeAlias = Callable[[Proba], float]


@dataclass(kw_only=True, slots=True)
class Attempt:
    """A trial that is not over.

    Attributes
    ----------
    order : int
        Position among all trials that this process began, whatever their families.
    outcomes : dict of fold number to FoldOutcome
        What has ended so far, in any order.
    stop : Event
        Set when nobody wants the remaining folds.
    hurry : Event
        Set when the clock has run out: folds that run hand over what they have.
    """

    proposal: Proposal
    n_folds: int
    order: int
    seed: int
    threads: int
    outcomes: dict[int, FoldOutcome] = field(default_factory=dict)
    submitted: set[int] = field(default_factory=set)
    stop: Event = field(default_factory=Event)
    hurry: Event = field(default_factory=Event)

    @property
    def number(self) -> int:
        """Number of the trial."""
        return self.proposal.number

    @property
    def waits_for_fold_0(self) -> bool:
        """Whether fold 0 decides if the other folds are worth running."""
        return self.proposal.bar is not None and 0 not in self.outcomes

    def fitted(self) -> tuple[Fitted, ...]:
        """Return the fold models of a trial that has them all, in fold order."""
        return tuple(f for f in (self.outcomes[fold].fitted for fold in range(self.n_folds)) if f is not None)


def settle(attempt: Attempt, *, score: Score) -> Trial | None:
    """Return the ended trial, or None while folds that could change it are missing.

    Folds are looked at in their order, so the same outcomes make the same trial whichever of them came first.

    Parameters
    ----------
    score : callable
        Scores the predictions for the validation rows of all folds, in fold order.
    """
    if _is_beaten(attempt):
        return _ended(attempt, "pruned", [attempt.outcomes[0]])
    for fold in range(attempt.n_folds):
        outcome = attempt.outcomes.get(fold)
        if outcome is None:
            return None
        if outcome.error is not None:
            return _ended(attempt, "failed", [], error=outcome.error)
    return _scored(attempt, score=score)


def cut_off(attempt: Attempt, *, score: Score) -> Trial:
    """Return the trial as the clock left it: with a score where every fold has a model."""
    outcomes = [attempt.outcomes[fold] for fold in sorted(attempt.outcomes)]
    if len(outcomes) == attempt.n_folds and all(outcome.error is None for outcome in outcomes):
        return _scored(attempt, score=score, state="cut")
    whole = [outcome for outcome in outcomes if outcome.error is None]
    return _ended(attempt, "cut", whole, error=next((o.error for o in outcomes if o.error), None))


def was_cut(outcome: FoldOutcome) -> bool:
    """Say whether the clock ended this fit."""
    return outcome.fitted is not None and outcome.fitted.stopped == "deadline"


def _is_beaten(attempt: Attempt) -> bool:
    """Say whether fold 0 shows that the trial is not worth its other folds."""
    first, bar = attempt.outcomes.get(0), attempt.proposal.bar
    if first is None or first.fitted is None or bar is None or was_cut(first):
        return False
    return first.fitted.stopped == "pruned" or (attempt.n_folds > 1 and is_hopeless(bar, first.score))


def _scored(attempt: Attempt, *, score: Score, state: State = "complete") -> Trial:
    """Return a trial all of whose folds have a model."""
    outcomes = [attempt.outcomes[fold] for fold in range(attempt.n_folds)]
    proba = out_of_fold(attempt.fitted())
    scored = score(proba)
    if any(was_cut(outcome) for outcome in outcomes):
        state = "cut"
    if not math.isfinite(scored):
        error = f"the score is {scored}"
        return _ended(attempt, "cut" if state == "cut" else "failed", [], error=error)
    return _ended(attempt, state, outcomes, score=scored, proba=proba)


def _ended(
    attempt: Attempt,
    state: State,
    outcomes: Sequence[FoldOutcome],
    *,
    score: float | None = None,
    proba: Proba | None = None,
    error: str | None = None,
) -> Trial:
    """Return the record of a trial that ended with these outcomes."""
    fitted = [outcome.fitted for outcome in outcomes if outcome.fitted is not None]
    return Trial(
        number=attempt.number,
        params=attempt.proposal.params,
        state=state,
        score=score,
        fold_scores=tuple(outcome.score for outcome in outcomes),
        fold_losses=tuple(outcome.loss for outcome in outcomes),
        n_rounds=tuple(f.n_rounds for f in fitted),
        sharpness=tuple(f.sharpness for f in fitted),
        seed=attempt.seed,
        threads=attempt.threads,
        seconds=sum(outcome.seconds for outcome in attempt.outcomes.values()),
        proba=proba,
        error=error,
        curve=_curve(fitted[0]) if fitted else Curve(),
        notes=tuple(dict.fromkeys(note for f in fitted for note in f.notes)),
    )


def _curve(fitted: Fitted) -> Curve:
    """Return the loss by round of one fit."""
    return Curve(loss_rounds=fitted.loss_rounds, train_losses=fitted.train_losses, valid_losses=fitted.valid_losses)
