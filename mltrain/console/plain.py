"""Progress as plain lines, for pipes, logs and machines."""

from __future__ import annotations

import threading
import time
from typing import TextIO

from mltrain import events
from mltrain.console.amounts import duration_text, score_text

_EVERY_S = 5.0  # seconds between two lines about the trials of one model


class PlainLines:
    """Writes one line a stage and a model, and one about trials every few seconds.

    Parameters
    ----------
    stream : text file
        Where lines go.
    every_s : float
        Seconds between two lines about the trials of one model.
    """

    def __init__(self, stream: TextIO, *, every_s: float = _EVERY_S) -> None:
        self._stream = stream
        self._every_s = every_s
        self._said_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def show(self, event: events.Event) -> None:
        """Write the line of an event, if it deserves one; safe to call from several threads."""
        line = self._line(event)
        if line:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()

    def _line(self, event: events.Event) -> str | None:
        """Return the line of an event, or None."""
        match event:
            case events.TrialFinished():
                return self._trial_line(event)
            case events.FamilyStarted():
                self._said_at[event.model] = time.monotonic()
        return line_of(event)

    def _trial_line(self, event: events.TrialFinished) -> str | None:
        """Return the line of a trial, unless one was written a moment ago."""
        now = time.monotonic()
        if now - self._said_at.get(event.model, -self._every_s) < self._every_s:
            return None
        self._said_at[event.model] = now
        return line_of(event)


def line_of(event: events.Event) -> str:
    """Return one line that says all that matters of an event."""
    match event:
        case events.StageStarted():
            return f"{event.stage}: {event.detail or 'started'}"
        case events.StageFinished():
            return f"{event.stage}: {event.detail or 'done'} ({duration_text(event.seconds)})"
        case events.FamilyLeftOut():
            return f"warning: {event.model} is left out: {event.reason}"
        case events.Notice():
            return f"{event.level}: {event.message}" if event.level == "warning" else event.message
        case _:
            return f"{event.model}: {_progress(event)}"


def _progress(event: events.FamilyStarted | events.TrialFinished | events.CandidateKept) -> str:
    """Return how far a family has come."""
    match event:
        case events.FamilyStarted():
            return _plan(event)
        case events.TrialFinished():
            cut = " and one cut short" if event.state == "cut" else ""
            return f"{_trials(event.n_finished)}{cut}, best trial {score_text(event.best_score)}"
        case events.CandidateKept():
            return f"kept as {event.run_id}, score {score_text(event.score)} ({duration_text(event.seconds)})"


def _plan(event: events.FamilyStarted) -> str:
    """Return what a family's search may use."""
    trials = "trials" if event.max_trials is None else f"up to {_trials(event.max_trials)}"
    clock = f" within {duration_text(event.timeout_s)}" if event.timeout_s is not None else ""
    best = f", best trial {score_text(event.best_score)}" if event.best_score is not None else ""
    kept = f", {event.n_resumed} kept from earlier{best}" if event.n_resumed else ""
    return f"{trials}{clock}{kept}"


def _trials(n_trials: int) -> str:
    return f"{n_trials} trial{'s' * (n_trials != 1)}"
