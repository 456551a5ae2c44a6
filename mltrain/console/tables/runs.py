"""Runs: the leaderboard, one of them, several side by side, what was sent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import score_text
from mltrain.console.drawing import facts, rows_table, warned

if TYPE_CHECKING:
    from mltrain.commands.runs import RunsCompareResult, RunsListResult, RunsShowResult, RunsSyncResult


_SAID_ABOVE = ("validation_score",)
_OF_TRIALS = ("best_score", "trial_score", "trial_seconds")  # the last of each; the curves are in the tracker
_MEANINGS: Mapping[str, str] = {
    "latency_ms": "milliseconds to score 1,000 rows, or all where there are fewer",
    "n_trials": "trials of the search",
    "train_loss": "log loss on the rows learnt from, last round",
    "valid_loss": "log loss on rows not learnt from, last round",
    "decision_threshold": "the positive class begins at this probability",
}


def runs_list_tables(result: RunsListResult) -> Iterator[RenderableType]:
    """Draw the leaderboard."""
    headers = ("|run", "metric", ">score", "status", "started")
    rows = (
        (r.run_id, r.metric, score_text(r.validation_score), r.status, moment_text(r.started_ms)) for r in result.runs
    )
    yield rows_table(headers, rows)
    yield f"answered by {result.answered}"
    yield from warned(result.warnings)


def runs_show_tables(result: RunsShowResult) -> Iterator[RenderableType]:
    """Draw one run."""
    run = result.run
    yield facts(
        [
            ("run", run.run_id),
            ("model", run.model),
            (run.metric or "score", score_text(run.validation_score)),
            ("status", run.status),
            ("started", moment_text(run.started_ms)),
            ("session", run.session),
            ("evaluated", result.is_evaluated),
            ("folder", result.directory if result.is_here else None),
            ("url", run.url),
            ("answered by", result.answered),
        ]
    )
    yield rows_table(("parameter", "value"), sorted(result.params.items()))
    metrics = {n: v for n, v in result.metrics.items() if n not in _SAID_ABOVE and n not in _OF_TRIALS}
    yield rows_table(("metric", ">value", "meaning"), ((n, _number(v), meaning(n)) for n, v in sorted(metrics.items())))
    yield from warned(result.warnings)


def runs_compare_tables(result: RunsCompareResult) -> Iterator[RenderableType]:
    """Draw runs side by side, one a column."""
    headers = ("", *(f">{run.run_id}" for run in result.runs))
    scores = [("validation score", *(score_text(run.validation_score) for run in result.runs))]
    scores += [(difference.name, *map(_cell, difference.values)) for difference in result.metrics]
    yield rows_table(headers, scores, title="scores")
    yield rows_table(headers, ((d.name, *map(_cell, d.values)) for d in result.params), title="parameters that differ")
    yield from warned(result.warnings)


def runs_sync_tables(result: RunsSyncResult) -> Iterator[RenderableType]:
    """Draw what was sent and what still waits."""
    wanted = "a key" if "no key" in result.tracker else "the server"
    held = f"archived; waits for {wanted}" if result.is_offline else "sent"
    rows = [(run, held, result.urls.get(run, "")) for run in result.synced]
    rows += [(run, "waits", "") for run in result.pending]
    yield rows_table(("|run", "state", "url"), rows) if rows else "nothing waits to be sent"
    yield f"tracker: {result.tracker}"
    yield from warned(result.warnings)


def moment_text(milliseconds: int) -> str:
    """Return a moment in the reader's own time zone, to the minute."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def meaning(name: str) -> str:
    """Say what a metric of a run is."""
    if name.startswith("test_"):
        return "on the test split"
    return _MEANINGS.get(name, "")


def _number(value: float) -> str:
    """Return a number, a whole one without decimals."""
    return f"{value:,.0f}" if math.isfinite(value) and value == round(value) and abs(value) > 1 else score_text(value)


def _cell(value: str | float | None) -> str:
    """Return one value of a comparison."""
    return value if isinstance(value, str) else score_text(value)
