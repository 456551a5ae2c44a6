"""Runs: the leaderboard, one of them, several side by side, what was sent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import moment_text, score_text
from mltrain.console.drawing import facts, rows_table, warned

if TYPE_CHECKING:
    from mltrain.commands.runs import Difference, RunsCompareResult, RunsListResult, RunsShowResult, RunsSyncResult


# The score has a line of its own; of the trials only the last would be told, and the tracker has the curves.
_TOLD_ELSEWHERE = ("validation_score", "best_score", "trial_score", "trial_seconds")
_MEANINGS: Mapping[str, str] = {
    "latency_ms": "milliseconds to score 1,000 rows, or all where there are fewer",
    "n_trials": "trials of the search",
    "train_loss": "log loss on the rows learnt from, last round",
    "valid_loss": "log loss on rows not learnt from, as sure as suits them, last round",
    "decision_threshold": "the positive class begins at this probability",
}


def runs_list_tables(result: RunsListResult) -> Iterator[RenderableType]:
    """Draw the leaderboard."""
    headers = ("|run", "|metric", ">score", "|status", "|started (UTC)")
    rows = (
        (r.run_id, r.metric, score_text(r.validation_score), r.status, moment_text(r.started_ms)) for r in result.runs
    )
    yield rows_table(headers, rows, spare=("started (UTC)", "status"))  # the id tells when, the score that it ended
    yield f"from {_asked(result.answered)}"
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
            ("started", f"{moment_text(run.started_ms)} UTC"),
            ("session", run.session),
            ("evaluated", result.is_evaluated),
            ("folder", result.directory if result.is_here else None),
            ("url", run.url),
            ("from", _asked(result.answered)),
        ]
    )
    yield rows_table(("parameter", "value"), sorted(result.params.items()))
    metrics = {name: value for name, value in result.metrics.items() if not _is_told_elsewhere(name)}
    yield rows_table(
        ("metric", ">value", "meaning"), ((n, _number(n, v), meaning(n)) for n, v in sorted(metrics.items()))
    )
    yield from warned(result.warnings)


def runs_compare_tables(result: RunsCompareResult) -> Iterator[RenderableType]:
    """Draw runs side by side, one a column; those that do not fit go on beneath."""
    headers = ("|", *(f">{_head(run.run_id)}" for run in result.runs))
    scores = [("validation score", *(score_text(run.validation_score) for run in result.runs))]
    scores += [_row(difference) for difference in result.metrics if not _is_told_elsewhere(difference.name)]
    yield rows_table(headers, scores, title="scores")
    yield rows_table(headers, map(_row, result.params), title="parameters that differ")
    yield from warned(result.warnings)


def runs_sync_tables(result: RunsSyncResult) -> Iterator[RenderableType]:
    """Draw what was sent and what still waits."""
    wanted = "a key" if "no key" in result.tracker else "the server"
    held = f"archived; waits for {wanted}" if result.is_offline else "sent"
    rows = [(run, held, result.urls.get(run, "")) for run in result.synced]
    rows += [(run, "waits", "") for run in result.pending]
    yield rows_table(("|run", "state", "|url"), rows) if rows else "nothing waits to be sent"
    yield from (f"registered: version {here} as {there}" for here, there in result.registered.items())
    yield f"tracker: {result.tracker}"
    if result.is_offline and "no key" in result.tracker:
        yield "nothing reached the server: set COMET_API_KEY, then `mltrain runs sync` again"
    yield from warned(result.warnings)


def _asked(answered: str) -> str:
    """Say where runs are known from: the local records always, and the tracker that answered."""
    return "the local records" if answered == "local" else f"the local records and {answered}"


def meaning(name: str) -> str:
    """Say what a metric of a run is."""
    if name.startswith("test_"):
        return "on the test split"
    return _MEANINGS.get(name, "")


def _is_told_elsewhere(name: str) -> bool:
    """Say whether a metric's last value tells nothing here."""
    return name in _TOLD_ELSEWHERE or name.startswith("system.")


def _number(name: str, value: float) -> str:
    """Return a metric; a count, and any other whole number above 1, without decimals."""
    is_whole = math.isfinite(value) and value == round(value)
    return f"{value:,.0f}" if is_whole and (name.startswith("n_") or abs(value) > 1) else score_text(value)


def _head(run_id: str) -> str:
    """Return a run's id on two lines, its model above its stamp: a narrow head that is still the whole id."""
    model, dash, stamp = run_id.rpartition("-")
    return f"{model}{dash}\n{stamp}" if model else run_id


def _row(difference: Difference) -> tuple[str, ...]:
    """Return the cells of one thing in which runs differ."""
    return (difference.name, *(_cell(difference.name, value) for value in difference.values))


def _cell(name: str, value: str | float | None) -> str:
    """Return one value of a comparison."""
    if value is None or isinstance(value, str):
        return value or score_text(None)
    return _number(name, value)
