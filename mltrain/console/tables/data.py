"""What ``init`` saw and what ``split`` did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.amounts import share_text
from mltrain.console.drawing import facts, rows_table

if TYPE_CHECKING:
    from mltrain.commands.init import InitResult
    from mltrain.commands.split import SplitResult
    from mltrain.data import Column
    from mltrain.data.splits import Finding

_MOST_CLASSES = 10


def init_tables(result: InitResult) -> Iterator[RenderableType]:
    """Draw what the config rests on."""
    shares = [f"{c.label} {share_text(c.share)}" for c in result.classes[:_MOST_CLASSES]]
    more = [f"and {len(result.classes) - _MOST_CLASSES} more"] if len(result.classes) > _MOST_CLASSES else []
    yield facts(
        [
            ("source", result.source),
            ("rows", f"{result.n_rows:,}"),
            ("target", result.target),
            ("classes", ", ".join(shares + more)),
            ("positive class", result.positive_class),
            ("columns", _kinds(result.columns)),
            ("written", result.written),
        ]
    )
    yield from result.notes
    yield f"next: read {result.path}, then `mltrain split`"


def split_tables(result: SplitResult) -> Iterator[RenderableType]:
    """Draw the splits, the classes in each, and what the audit found."""
    labels = list(result.splits[0].classes)[:_MOST_CLASSES] if result.splits else []
    headers = ("split", ">rows", *(f">{label}" for label in labels))
    rows = ((s.name, f"{s.rows:,}", *(f"{s.classes.get(label, 0):,}" for label in labels)) for s in result.splits)
    yield rows_table(headers, rows)
    yield facts(
        [
            ("target", result.target),
            ("positive class", _with_reason(result.positive_class, result.positive_reason)),
            ("columns", _kinds(result.columns)),
            ("rows without a label", result.n_unlabelled or None),
            ("rows kept out", result.n_kept_out or None),
            ("written to", "nothing: unchanged" if result.unchanged else result.directory),
        ]
    )
    if result.findings:
        yield rows_table(
            ("audit", "finding", "what to do"), ((f.severity, _with_rows(f), f.advice) for f in result.findings)
        )


def _with_rows(finding: Finding) -> str:
    """Return what was found and the first rows concerned."""
    places = (f"{split} rows {', '.join(map(str, rows))}" for split, rows in finding.rows.items())
    return "; ".join((finding.message, *places))


def _kinds(columns: Iterable[Column]) -> str:
    """Return how many columns there are of each kind."""
    counts = Counter(str(column.kind) for column in columns)
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())


def _with_reason(value: str | None, reason: str) -> str | None:
    """Return a value and why it was chosen."""
    return f"{value} ({reason})" if value is not None and reason else value
