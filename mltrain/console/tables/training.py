"""What ``train`` kept, and how the whole of ``run`` went."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import duration_text, score_text
from mltrain.console.drawing import facts, rows_table, warned
from mltrain.console.tables.judging import evaluate_tables, register_tables

if TYPE_CHECKING:
    from mltrain.commands.run import RunResult
    from mltrain.commands.train import CandidateLine, TrainResult


def train_tables(result: TrainResult) -> Iterator[RenderableType]:
    """Draw the leaderboard of a session."""
    headers = ("|run", f">{result.metric}", ">trials", ">time", "final fit", "calibration")
    yield rows_table(headers, (_line(candidate) for candidate in result.candidates))
    yield facts(
        [
            ("scores are from", f"{result.validation} on {result.n_rows:,} rows"),
            ("positive class", result.positive_class),
            ("session", result.session),
            ("left out", [f"{family.model}: {family.reason}" for family in result.left_out]),
            ("tracker", result.tracker),
            ("time", duration_text(result.seconds)),
        ]
    )
    yield from warned(result.warnings)
    yield "next: `mltrain evaluate`"


def run_tables(result: RunResult) -> Iterator[RenderableType]:
    """Draw the leaderboard, the test scores and the decision; the split in one line."""
    parts = ", ".join(f"{part.name} {part.rows:,}" for part in result.split.splits)
    if result.train is not None:
        *tables, _ = train_tables(result.train)
        yield from tables
    *tables, last = evaluate_tables(result.evaluate)
    yield from tables
    if result.register is None:
        yield last
    else:
        yield from register_tables(result.register)
    yield facts([("rows", parts), ("skipped", result.skipped), ("time in all", duration_text(result.seconds))])


def _line(candidate: CandidateLine) -> tuple[object, ...]:
    """Return the cells of one candidate."""
    resumed = f" ({candidate.n_resumed} kept)" if candidate.n_resumed else ""
    return (
        candidate.run_id,
        score_text(candidate.validation_score),
        f"{candidate.n_trials}{resumed}" if candidate.n_trials else "-",
        duration_text(candidate.seconds),
        candidate.final_fit,
        candidate.calibration or "none",
    )
