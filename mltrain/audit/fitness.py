"""Splits that do not fit the schema inferred from the rows that training may see."""

from __future__ import annotations

from collections.abc import Iterator

from mltrain.audit.subject import Subject
from mltrain.data.splits import Finding


def check_fitness(subject: Subject) -> Iterator[Finding]:
    """Report splits with a value that cannot be read as its column's kind: `evaluate` would refuse them."""
    for name, misfit in subject.misfits.items():
        where = f" ({misfit.where})" if misfit.where else ""
        yield Finding(
            check="misfit",
            severity="severe",
            message=f"split {name!r} does not fit the schema: {misfit.message}{where}",
            advice="mend the value in the source, or set the column's kind in data.columns",
        )
