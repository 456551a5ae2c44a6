"""Progress records, so that nothing below a command needs to know the terminal or a tracker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class StageStarted:
    """A command began a stage; ``detail`` is one short phrase for the user."""

    stage: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageFinished:
    """A command ended a stage after ``seconds``; ``detail`` says what came of it."""

    stage: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyStarted:
    """A family's search began: at most ``max_trials`` trials within ``timeout_s`` seconds (None: no clock).

    Of these, ``n_resumed`` are there from earlier sessions, the best of them with ``best_score``.
    """

    model: str
    max_trials: int | None
    timeout_s: float | None
    n_resumed: int = 0
    best_score: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialFinished:
    """One trial of a family ended; ``score`` is None when it has none (failed or cut before a score)."""

    model: str
    number: int
    state: Literal["complete", "pruned", "failed", "cut"]
    score: float | None
    best_score: float | None
    n_finished: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateKept:
    """A family's (or the ensemble's) model was fitted and saved.

    ``score`` is that of `mltrain.candidate.Candidate`: a little below the best trial's, which was picked for its own.
    """

    model: str
    run_id: str
    score: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyLeftOut:
    """A family gave no model."""

    model: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something the user should know, once."""

    message: str
    level: Literal["info", "warning"] = "warning"


FamilyEvent: TypeAlias = FamilyStarted | TrialFinished | CandidateKept | FamilyLeftOut
Event: TypeAlias = StageStarted | StageFinished | FamilyEvent | Notice
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
    del event
