"""Infinite numbers, on rows that training may see: mostly a division by zero in the table that was exported."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.audit.subject import Subject
from mltrain.data.splits import Finding

MOST_SHOWN = 10


def check_infinite(subject: Subject) -> Iterator[Finding]:
    """Report features with infinite values: every model takes them for missing ones."""
    seen = [subject.features[name] for name in subject.development if name in subject.features]
    counts = {
        column.name: sum(_n_infinite(table.column(column.name)) for table in seen) for column in subject.schema.features
    }
    ranked = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
    if ranked:
        more = f" and {len(ranked) - MOST_SHOWN} more columns" if len(ranked) > MOST_SHOWN else ""
        yield Finding(
            check="infinite",
            severity="info",
            message="infinite values are read as missing: "
            + ", ".join(f"{name} in {counts[name]:,} rows" for name in ranked[:MOST_SHOWN])
            + f"{more}{subject.sample_note}",
            columns=tuple(ranked),
            count=len(ranked),
            advice="mostly a division by zero: write in the source what it should mean, such as a large number",
            values={name: float(counts[name]) for name in ranked},
        )


def _n_infinite(column: pa.ChunkedArray) -> int:
    """Return how many values are plus or minus infinity."""
    return int(pc.sum(pc.is_inf(column)).as_py() or 0) if pa.types.is_floating(column.type) else 0
