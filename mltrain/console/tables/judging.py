"""What ``evaluate`` measured, ``register`` decided and ``predict`` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import duration_text, score_text, share_text
from mltrain.console.drawing import Facts, Rows, cell_text, facts, rows_table, warned

if TYPE_CHECKING:
    from mltrain.commands.evaluate import EvaluateResult
    from mltrain.commands.predict import PredictResult
    from mltrain.commands.register import RegisterResult
    from mltrain.comparison import Comparison
    from mltrain.drift import ColumnDrift
    from mltrain.verdict import Gate

_MOST_RUNS = 10
_MOST_CLASSES = 12
_MOST_DRIFTS = 20


def evaluate_tables(result: EvaluateResult) -> Iterator[RenderableType]:
    """Draw the ranking, the test scores with their intervals, the confusion matrix and the verdict."""
    yield ranking_table(result)
    yield from scores_tables(result)
    yield evaluation_facts(result)
    yield from result.notes
    yield from warned((*result.cautions, *result.warnings))
    if result.gate.passed:
        yield f"next: `{result.register_command}`"


def ranking_table(result: EvaluateResult) -> Rows:
    """Draw the runs that were compared."""
    ranking = ((r.run_id, score_text(r.validation_score), r.source) for r in result.ranking[:_MOST_RUNS])
    return rows_table(("|run", f">{result.champion.metric}", "from"), ranking, title="validation")


def scores_tables(result: EvaluateResult) -> Iterator[RenderableType]:
    """Draw the test scores with their intervals, and the confusion matrix or where it is."""
    scores = ((name, i.value, i.low, i.high) for name, i in result.metrics.items())
    yield rows_table(("metric", ">value", ">low", ">high"), scores, title=f"test: {result.champion.model}")
    if len(result.classes) <= _MOST_CLASSES:
        cells = ((true, *map(str, row)) for true, row in zip(result.classes, result.confusion, strict=True))
        yield rows_table(("true / predicted", *(f">{label}" for label in result.classes)), cells, title="confusion")
    else:
        yield f"confusion: {len(result.classes)} classes are too many for a table here; it is in {_matrix(result)}"


def evaluation_facts(result: EvaluateResult) -> Facts:
    """Draw how the evaluation came about and where its report is."""
    return facts(
        [
            ("picked", result.champion.run_id),
            ("answered by", result.answered),
            ("left out", [f"{left.n_runs} ({left.reason})" for left in result.left_out]),
            ("decision threshold", result.threshold),
            ("against the champion", _comparison(result.compared_with_champion)),
            ("test split", _openings(result)),
            ("report", result.report[:1]),
        ]
    )


def register_tables(result: RegisterResult, *, with_run: bool = True) -> Iterator[RenderableType]:
    """Draw what was decided and why; ``with_run`` names the run too."""
    yield facts(
        [
            ("model", result.name),
            ("version", result.version),
            ("aliases", result.aliases),
            ("run", result.run_id if with_run else None),
            ("before", result.previous),
            ("against the champion", _comparison(result.comparison)),
            ("gate", gate_text(result.gate)),
            ("tracker version", result.tracker_version),
            ("decision", f"{_decision(result)}: {result.reason}"),
        ]
    )
    # Of `run`, the evaluation has said it already.
    yield from warned((*(result.cautions if with_run else ()), *result.warnings))


def _decision(result: RegisterResult) -> str:
    """Return what came of it in a word or two."""
    if result.refused:
        return "refused"
    return "registered" if result.promoted else "nothing to do"


def predict_tables(result: PredictResult) -> Iterator[RenderableType]:
    """Draw what was scored by what."""
    model = f"{result.model} version {result.version}" if result.version else result.model
    yield facts(
        [
            ("rows", f"{result.rows:,}"),
            ("model", model),
            ("written", result.destination),
            ("time", duration_text(result.seconds)),
            ("unseen levels", [f"{column} in {count:,} rows" for column, count in result.unseen.items()]),
            ("drift", result.drift_file),
        ]
    )
    yield from result.notes
    yield from drift_tables(result.drift)


def drift_tables(drift: Sequence[ColumnDrift]) -> Iterator[RenderableType]:
    """Draw the columns that differ from training, or say that none does; then those with values out of range."""
    if not drift:
        return
    drifted = [one for one in drift if one.verdict != "stable"]
    outside = [one for one in drift if one.verdict == "stable" and (one.below or one.above)]
    if not drifted:
        yield f"none of {len(drift)} columns has drifted (largest PSI {drift[0].psi:.3f}, {drift[0].name})"
    if not drifted and not outside:
        return
    rows = (
        (
            one.name,
            f"{one.psi:.3f}",
            one.verdict,
            f"{share_text(one.missing_before)} -> {share_text(one.missing_now)}",
            f"{one.below:,} / {one.above:,}",
        )
        for one in [*drifted, *outside][:_MOST_DRIFTS]
    )
    headers = ("column", ">PSI", "drift", "missing", ">below / above training")
    yield rows_table(headers, rows, title=_drift_title(len(drifted), len(outside), n_columns=len(drift)))


def _drift_title(n_drifted: int, n_outside: int, *, n_columns: int) -> str:
    """Return why the columns of the table are in it."""
    said = [f"{n_drifted} of {n_columns} columns differ"] if n_drifted else []
    said += [f"{n_outside} stable, with values out of range"] if n_outside else []
    return f"against training: {'; '.join(said)}"


def gate_text(gate: Gate) -> str:
    """Return the verdict of the deployment gate."""
    if gate.undefined is not None:
        return f"{gate.metric} is undefined: {gate.undefined}"
    if gate.threshold is None:
        return f"no deployment threshold is set ({gate.metric} {score_text(gate.value)})"
    verdict = "meets" if gate.passed else "misses"
    return f"{gate.metric} {score_text(gate.value)} {verdict} the deployment threshold {gate.threshold:g}"


def _matrix(result: EvaluateResult) -> str:
    """Return where the confusion matrix is: a figure where there is one, else numbers."""
    drawn = next((path for path in result.figures if path.stem == "confusion_matrix"), None)
    return cell_text(drawn or result.report[0].with_name("confusion_matrix.json"))


def _comparison(comparison: Comparison | None) -> str | None:
    """Return a paired comparison in one line."""
    if comparison is None:
        return None
    interval = f"{comparison.low:+.4f} to {comparison.high:+.4f}"
    rows = f"on {comparison.n_rows:,} rows, " if comparison.n_rows else ""
    return f"{comparison.metric} {comparison.difference:+.4f} ({rows}{interval}; above 0 is better)"


def _openings(result: EvaluateResult) -> str:
    """Return how often the test split was opened."""
    opened = f"opened {_times(result.openings)} so far"
    opened += ", not this time: nothing that scores depend on had changed" if result.reused else ""
    if not result.other_openings:
        return opened
    others = f"other test splits of this source were opened {_times(result.other_openings)}"
    return f"{opened}; {others}, and rows of theirs may be in this one"


def _times(n_openings: int) -> str:
    return "once" if n_openings == 1 else f"{n_openings} times"
