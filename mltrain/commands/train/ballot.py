"""The vote of a session's families, from the first ballot to its run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mltrain.commands.train.leaving import CandidateLine, leave, start_tags
from mltrain.commands.train.session import Session
from mltrain.ensemble import BegunVote, begin_vote, end_vote
from mltrain.ensemble.voters import Searched
from mltrain.events import StageFinished, StageStarted
from mltrain.plan import ENSEMBLE


class Ballot:
    """The vote of a session, which may begin before the runs of its families have ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._begun: BegunVote | None = None
        self._spent_s = 0.0

    def begin(self, searched: Sequence[Searched]) -> None:
        """Let families vote, so that models of the voters are fitted while those of the families are saved."""
        started, session = time.monotonic(), self._session
        self._begun = begin_vote(
            searched,
            recipe=session.material.recipe,
            executor=session.executor,
            deadline=session.budget.ensemble_deadline(started),
        )
        self._spent_s += time.monotonic() - started

    def train(self, searched: Sequence[Searched]) -> CandidateLine:
        """Build the voting ensemble of these families and keep it as a run."""
        session = self._session
        session.listener(StageStarted(stage=ENSEMBLE, detail=f"{len(searched)} families vote"))
        with session.tracked.run(ENSEMBLE, start_tags(session, ENSEMBLE)) as run:
            # A family may have been left out since it voted.
            if self._begun is None or _names(self._begun.searched) != _names(searched):
                self.begin(searched)
            assert self._begun is not None
            started = time.monotonic()
            kept = end_vote(self._begun)
            seconds = self._spent_s + time.monotonic() - started
            line = leave(session, run, kept, study=None, seconds=seconds, searched=searched)
        session.listener(StageFinished(stage=ENSEMBLE, seconds=line.seconds, detail=f"{line.validation_score:.4f}"))
        return line


def _names(searched: Sequence[Searched]) -> set[str]:
    return {family.study.name for family in searched}
