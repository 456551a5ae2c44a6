"""Whether ``reproduce`` made the same model again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import duration_text
from mltrain.console.drawing import facts, rows_table, warned

if TYPE_CHECKING:
    from mltrain.commands.reproduce import ReproduceResult

_CALIBRATION = {
    "rebuilt": "rebuilt from held-out predictions",
    "recorded": "as recorded: an ensemble's is not rebuilt",
    "none": "none",
}


def reproduce_tables(result: ReproduceResult) -> Iterator[RenderableType]:
    """Draw what was rebuilt from which trials, how far it is from what was saved, and the verdict."""
    lines = (
        (p.trial, f"{p.weight:.3f}", p.final_fit, p.state, p.recorded_score, p.score, duration_text(p.seconds))
        for p in result.parts
    )
    headers = ("|trial", ">weight", "|final fit", "|state", f">{result.metric} then", ">now", ">time")
    yield rows_table(headers, lines, title=result.run_id, spare=("time", "final fit", "state"))
    found = result.differences
    yield facts(
        [
            ("rows compared", f"{found.rows:,} of {found.n_rows:,}"),
            ("raw votes", _difference_text(found.raw)),
            ("probabilities", _difference_text(found.calibrated)),
            ("scores", _difference_text(found.score)),
            ("threshold", _difference_text(found.threshold)),
            ("calibration", _CALIBRATION[result.calibration]),
            ("time", duration_text(result.seconds)),
            ("verdict", _verdict(result)),
        ]
    )
    yield from (f"the run says: {note}" for note in result.notes)
    yield from warned(result.warnings)


def _difference_text(difference: float) -> str:
    return "equal" if difference == 0 else f"differ by {difference:.1e} at most"


def _verdict(result: ReproduceResult) -> str:
    largest, limit = result.differences.largest, result.tolerance
    if result.agrees:
        return f"reproduced: no difference above {limit:g}"
    return f"not reproduced: a difference of {largest:.1e} is above {limit:g}"
