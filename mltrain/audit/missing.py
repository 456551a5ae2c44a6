"""Missing values, on rows that training may see."""

from __future__ import annotations

from collections.abc import Iterator

from mltrain.audit.subject import Subject
from mltrain.data.splits import Finding

MOSTLY = 0.5


def check_missing(subject: Subject) -> Iterator[Finding]:
    """Report features with missing values, those that are mostly missing apart."""
    seen = [subject.features[name] for name in subject.development if name in subject.features]
    n_rows = sum(table.num_rows for table in seen)
    names = [column.name for column in subject.schema.features]
    shares = {name: sum(table.column(name).null_count for table in seen) / max(n_rows, 1) for name in names}
    mostly = {name: share for name, share in shares.items() if share > MOSTLY}
    some = {name: share for name, share in shares.items() if 0 < share <= MOSTLY}
    for found, severity, how, advice in (
        (mostly, "warning", "mostly missing", "find out why, or list them in data.drop"),
        (some, "info", "missing values", ""),
    ):
        if found:
            ranked = sorted(found.items(), key=lambda item: -item[1])
            more = f" and {len(ranked) - 10} more" if len(ranked) > 10 else ""
            yield Finding(
                check="missing",
                severity=severity,
                message=f"{how}: "
                + ", ".join(f"{name} {share:.1%}" for name, share in ranked[:10])
                + f"{more}{subject.sample_note}",
                columns=tuple(name for name, _ in ranked),
                count=len(ranked),
                advice=advice,
                values={name: round(share, 6) for name, share in ranked},
            )
