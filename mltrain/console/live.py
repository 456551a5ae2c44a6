"""Progress on a terminal: one row a model, redrawn a few times a second."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mltrain import events
from mltrain.console.amounts import duration_text, score_text
from mltrain.console.plain import line_of

_REDRAWS_PER_S = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRow:
    """What is shown of one model."""

    model: str
    state: str
    started_at: float
    max_trials: int | None = None
    timeout_s: float | None = None
    n_trials: int = 0
    best_score: float | None = None
    ended_at: float | None = None


class LiveDisplay:
    """Shows stages and models while its ``with`` block lasts; leaves the last picture on the screen.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to draw; by default stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._rows: dict[str, ModelRow] = {}
        self._stage = ""
        self._lock = threading.Lock()
        self._live = Live(
            console=self._console,
            get_renderable=self.picture,
            refresh_per_second=_REDRAWS_PER_S,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveDisplay:
        """Start drawing."""
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw a last time."""
        self._stage = ""
        self._live.__exit__(kind, error, trace)

    def show(self, event: events.Event) -> None:
        """Take in an event; safe to call from several threads."""
        match event:
            case events.StageStarted():
                self._stage = line_of(event)
            case events.StageFinished() | events.Notice():
                if isinstance(event, events.StageFinished):
                    self._stage = ""
                self._console.print(Text(line_of(event), style=_style(event)))
            case _:
                self._update(event)

    def picture(self, now: float | None = None) -> RenderableType:
        """Return what is on the screen at a moment of `time.monotonic`."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            rows = tuple(self._rows.values())
        parts: list[RenderableType] = [_table(rows, moment)] if rows else []
        if self._stage:
            parts.append(Text(self._stage, style="dim"))
        return Group(*parts)

    def _update(self, event: events.FamilyStarted | events.TrialFinished | events.CandidateKept) -> None:
        """Bring the row of a model up to date."""
        now = time.monotonic()
        with self._lock:
            row = self._rows.get(event.model) or _new_row(event, now)
            self._rows[event.model] = updated(row, event, now=now)


def _new_row(event: events.FamilyStarted | events.TrialFinished | events.CandidateKept, now: float) -> ModelRow:
    """Return the row of a model that is heard of for the first time; the ensemble tells of itself when it is kept."""
    spent = event.seconds if isinstance(event, events.CandidateKept) else 0.0
    return ModelRow(model=event.model, state="searching", started_at=now - spent)


def updated(
    row: ModelRow, event: events.FamilyStarted | events.TrialFinished | events.CandidateKept, *, now: float
) -> ModelRow:
    """Return a model's row after an event."""
    match event:
        case events.FamilyStarted():
            return replace(
                row,
                state="searching",
                started_at=now,
                max_trials=event.max_trials,
                timeout_s=event.timeout_s,
                n_trials=event.n_resumed,
            )
        case events.TrialFinished():
            return replace(row, n_trials=event.n_finished, best_score=event.best_score)
        case events.CandidateKept():
            return replace(row, state="kept", best_score=event.score, ended_at=now)


def _table(rows: tuple[ModelRow, ...], now: float) -> Table:
    """Draw the rows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    for header in ("trials", "best score", "time", "time left"):
        table.add_column(header, justify="right")
    table.add_column("state")
    for row in rows:
        trials = f"{row.n_trials}/{row.max_trials}" if row.max_trials is not None else str(row.n_trials or "-")
        spent = (row.ended_at or now) - row.started_at
        left = _time_left(row, spent)
        table.add_row(escape(row.model), trials, score_text(row.best_score), duration_text(spent), left, row.state)
    return table


def _time_left(row: ModelRow, spent: float) -> str:
    """Return the time until a model's clock ends."""
    if row.ended_at is not None or row.timeout_s is None:
        return "-"
    return duration_text(max(row.timeout_s - spent, 0.0))


def _style(event: events.Event) -> str:
    """Return the colour of a line above the table."""
    return "yellow" if isinstance(event, events.Notice) and event.level == "warning" else ""
