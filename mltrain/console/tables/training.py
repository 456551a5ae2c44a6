"""What ``train`` kept, and how the whole of ``run`` went."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import duration_text, score_text
from mltrain.console.drawing import facts, rows_table, warned
from mltrain.console.tables.judging import evaluation_facts, ranking_table, register_tables, scores_tables

if TYPE_CHECKING:
    from mltrain.commands.run import RunResult
    from mltrain.commands.train import CandidateLine, TrainResult


def train_tables(result: TrainResult) -> Iterator[RenderableType]:
    """Draw the leaderboard of a session."""
    headers: tuple[str, ...]
    headers = ("|run", f">{result.metric}", ">trials", ">resumed", ">own time", "|final fit", "|calibration")
    spare = ("calibration", "final fit", "resumed", "own time", "trials")
    rows = [_line(candidate) for candidate in result.candidates]
    if not any(candidate.n_resumed for candidate in result.candidates):
        headers, rows = _without_resumed(headers), [_without_resumed(row) for row in rows]
    yield rows_table(headers, rows, spare=spare)
    yield facts(
        [
            ("validation", f"{result.validation} on {result.n_rows:,} rows"),
            ("positive class", result.positive_class),
            ("session", result.session),
            ("left out", [f"{family.model}: {family.reason}" for family in result.left_out]),
            ("tracker", result.tracker),
            ("training time", _times(result)),
        ]
    )
    yield from warned(result.warnings)
    yield "next: `mltrain evaluate`"


def _times(result: TrainResult) -> str:
    """Return how long training took and, where that is worth a word, how long the tracker was waited for."""
    waited = f", and {duration_text(result.tracker_s)} for the tracker" if result.tracker_s >= 1 else ""
    return f"{duration_text(result.seconds)}{waited}"


def run_tables(result: RunResult) -> Iterator[RenderableType]:
    """Draw the leaderboard, the test scores and the decision; of the split its sizes and warnings."""
    if result.is_up_to_date:
        yield from _unchanged(result)
        return
    yield from warned(f"{f.message}; {f.advice}" for f in result.split.findings if f.severity != "info")
    if result.train is not None:
        *tables, _ = train_tables(result.train)
        yield from tables
    yield from _judged(result)
    if result.register is not None:
        yield from register_tables(result.register, with_run=False)
    yield facts([("rows", _rows(result)), ("skipped", result.skipped), ("time in all", duration_text(result.seconds))])


def _unchanged(result: RunResult) -> Iterator[RenderableType]:
    """Say in a few lines what stands."""
    judged, metric = result.evaluate, result.evaluate.gate.metric
    score = judged.metrics[metric]
    yield "nothing to do: split, training, evaluation and registration are up to date"
    yield facts(
        [
            ("registered", f"{judged.champion.run_id} as version {result.registered_version}"),
            (f"test {metric}", f"{score_text(score.value)} ({score_text(score.low)} to {score_text(score.high)})"),
            ("report", judged.report[:1]),
            ("rows", _rows(result)),
            ("training", [why.removeprefix("train: ") for why in result.skipped if why.startswith("train: ")]),
            ("time in all", duration_text(result.seconds)),
        ]
    )


def _judged(result: RunResult) -> Iterator[RenderableType]:
    """Draw the evaluation, without what another part of the picture says already."""
    judged = result.evaluate
    trained = {candidate.run_id for candidate in result.train.candidates} if result.train else set()
    if {standing.run_id for standing in judged.ranking} - trained:
        yield ranking_table(judged)
    yield from scores_tables(judged)
    yield evaluation_facts(judged)
    yield from judged.notes if result.register is None else judged.notes[1:]  # the first tells of the gate
    yield from warned((*judged.cautions, *judged.warnings))


def _rows(result: RunResult) -> str:
    """Return the sizes of the splits."""
    return ", ".join(f"{part.name} {part.rows:,}" for part in result.split.splits)


def _without_resumed(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Return a line of the leaderboard without the trials that earlier sessions did: there are none."""
    return (*cells[:3], *cells[4:])


def _line(candidate: CandidateLine) -> tuple[str, ...]:
    """Return the cells of one candidate."""
    cut = f"+{candidate.n_cut} cut" if candidate.n_cut else ""
    return (
        candidate.run_id,
        score_text(candidate.validation_score),
        f"{candidate.n_trials}{cut}" if candidate.n_trials or candidate.n_cut else "-",
        str(candidate.n_resumed or "-"),
        duration_text(candidate.seconds),
        candidate.final_fit,
        candidate.calibration or "none",
    )
