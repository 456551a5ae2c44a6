"""Progress on a terminal: one row a model, redrawn a few times a second."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from mltrain import events
from mltrain.console.amounts import duration_text, score_text
from mltrain.console.drawing import Rows, rows_table
from mltrain.console.plain import line_of
from mltrain.console.wrapping import wrapped

_REDRAWS_PER_S = 4
_TWO_SCORES = "kept: scored on rows that the model was not picked on; a best trial flatters"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRow:
    """What is shown of one model.

    Attributes
    ----------
    state : str
        ``searching``, or how it ended.
    best_score : float, optional
        Of its trials.
    score : float, optional
        Of the model that was kept.
    """

    model: str
    state: str
    started_at: float
    max_trials: int | None = None
    timeout_s: float | None = None
    n_trials: int = 0
    best_score: float | None = None
    score: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state != "searching"


class LiveDisplay:
    """Shows stages and models while its ``with`` block lasts; leaves the last picture on the screen.

    One lock guards what is known and what is written: Rich moves the cursor up by the height of the picture that
    another thread may be about to replace, and would erase the line above it or leave its first one behind.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to draw; by default stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._rows: dict[str, ModelRow] = {}
        self._stage: events.StageStarted | None = None
        self._stage_at = 0.0
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._redrawing = threading.Thread(target=self._redraw, name="live display", daemon=True)
        self._live = Live(
            console=self._console,
            get_renderable=self.picture,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveDisplay:
        """Start drawing."""
        self._live.__enter__()
        self._redrawing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw a last time."""
        self._ended.set()
        self._redrawing.join()
        self._stage = None
        self._rows = {m: row if row.is_over else replace(row, state="stopped") for m, row in self._rows.items()}
        self._live.__exit__(kind, error, trace)
        if self._rows:
            self._console.print()  # what comes of it follows

    def show(self, event: events.Event) -> None:
        """Take in an event; safe to call from several threads."""
        with self._lock:
            match event:
                case events.StageStarted():
                    self._stage, self._stage_at = event, time.monotonic()
                case events.StageFinished() | events.Notice():
                    if isinstance(event, events.StageFinished):
                        self._stage = None
                    self.say(line_of(event), style=_style(event))
                case _:
                    self._update(event)

    def say(self, text: str, *, style: str = "") -> None:
        """Print text above the picture; safe to call from several threads."""
        lines = "\n".join(wrapped(text, self._console.width))
        with self._lock:
            self._console.print(Text(lines, style=style), no_wrap=True, overflow="ignore", crop=False)

    def picture(self, now: float | None = None) -> RenderableType:
        """Return what is on the screen at a moment of `time.monotonic`."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            rows, stage, stage_at = tuple(self._rows.values()), self._stage, self._stage_at
        parts: list[RenderableType] = [_table(rows, moment)] if rows else []
        if any(_has_two_scores(row) for row in rows):
            parts.append(Text(_TWO_SCORES, style="dim"))
        if stage is not None:
            parts.append(Text(f"{line_of(stage)} ({duration_text(moment - stage_at)} so far)", style="dim"))
        return Group(*parts)

    def _redraw(self) -> None:
        """Draw now and then, until the block ends."""
        while not self._ended.wait(1 / _REDRAWS_PER_S):
            with self._lock:
                self._live.refresh()

    def _update(self, event: events.FamilyEvent) -> None:
        """Bring the row of a model up to date."""
        now = time.monotonic()
        row = self._rows.get(event.model) or ModelRow(model=event.model, state="searching", started_at=now)
        self._rows[event.model] = updated(row, event, now=now)
        if isinstance(event, events.FamilyLeftOut):
            self.say(line_of(event), style="yellow")


def updated(row: ModelRow, event: events.FamilyEvent, *, now: float) -> ModelRow:
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
                best_score=event.best_score,
            )
        case events.TrialFinished():
            return replace(row, n_trials=event.n_finished, best_score=event.best_score)
        case events.CandidateKept():
            return replace(row, state="kept", score=event.score)
        case events.FamilyLeftOut():
            return replace(row, state="left out")


def _table(rows: tuple[ModelRow, ...], now: float) -> Rows:
    """Draw the rows."""
    left = [_seconds_left(row, now) for row in rows]
    columns = {
        "|model": [row.model for row in rows],
        ">trials": [_trials(row) for row in rows],
        ">best trial": [score_text(row.best_score) for row in rows],
        ">time left": ["-" if seconds is None else duration_text(seconds) for seconds in left],
        "|state": [_state(row, seconds) for row, seconds in zip(rows, left, strict=True)],
    }
    if all(seconds is None for seconds in left):
        del columns[">time left"]
    return rows_table(tuple(columns), zip(*columns.values(), strict=True), spare=("time left",), is_ruled=False)


def _seconds_left(row: ModelRow, now: float) -> float | None:
    """Return the time until a model's clock ends; None where no clock runs."""
    if row.is_over or row.timeout_s is None:
        return None
    return max(row.timeout_s - (now - row.started_at), 0.0)


def _trials(row: ModelRow) -> str:
    """Return how many trials there are, and how many there may be."""
    return str(row.n_trials or "-") if row.max_trials is None else f"{row.n_trials}/{row.max_trials}"


def _state(row: ModelRow, seconds_left: float | None) -> str:
    """Return what is done, or what became of a model."""
    if row.score is not None:
        return f"{row.state}: {score_text(row.score)}"
    return "finishing" if seconds_left == 0 else row.state


def _has_two_scores(row: ModelRow) -> bool:
    """Say whether the kept model has another score than its best trial, as far as is shown."""
    known = row.score is not None and row.best_score is not None
    return known and score_text(row.score) != score_text(row.best_score)


def _style(event: events.Event) -> str:
    """Return the colour of a line above the table."""
    return "yellow" if isinstance(event, events.Notice) and event.level == "warning" else ""
