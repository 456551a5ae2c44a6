"""Classes: their shares, and splits with too few rows of one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mltrain.audit.subject import Subject
from mltrain.data.splits import Finding
from mltrain.data.target import label_text

RARE = 0.01
FEW_ROWS = 10
MANY_KEPT_OUT = 0.2


def check_classes(subject: Subject) -> Iterator[Finding]:
    """Report the classes and their shares; a rare one deserves a warning."""
    target = subject.schema.target
    counts = np.sum(list(subject.totals.classes.values()), axis=0)
    shares = {label_text(label): float(n) / counts.sum() for label, n in zip(target.classes, counts, strict=True)}
    rarest = sorted(shares.items(), key=lambda item: item[1])
    text = ", ".join(f"{label} {share:.1%}" for label, share in rarest[:10])
    more = f" and {len(rarest) - 10} commoner ones" if len(rarest) > 10 else ""
    n_rare = sum(share < RARE for share in shares.values())
    advice = f"{n_rare} under {RARE:.0%}: average_precision and log_loss notice rare classes, accuracy hardly does"
    yield Finding(
        check="classes",
        severity="warning" if n_rare else "info",
        message=f"{target.n_classes} classes: {text}{more}",
        columns=(target.name,),
        count=n_rare or None,
        advice=advice if n_rare else "",
        values={label: round(share, 6) for label, share in shares.items()},
    )


def check_few_rows(subject: Subject) -> Iterator[Finding]:
    """Report classes with too few rows in a split for its scores to mean much."""
    target = subject.schema.target
    for name, counts in subject.totals.classes.items():
        few = {label_text(target.classes[code]): n for code, n in enumerate(counts) if n < FEW_ROWS}
        if few:
            text = ", ".join(f"{label!r} {n}" for label, n in list(few.items())[:10])
            yield Finding(
                check="few_rows",
                severity="severe" if 0 in few.values() else "warning",
                message=f"split {name!r} has few rows of a class: {text}",
                columns=(target.name,),
                count=len(few),
                advice=f"at least {FEW_ROWS} are needed: raise the share of {name}, add rows or join classes",
            )


def check_kept_out(subject: Subject) -> Iterator[Finding]:
    """Report rows that are in no split, because their group belongs to an earlier time."""
    n_kept_out = subject.totals.n_kept_out
    if n_kept_out:
        share = n_kept_out / (n_kept_out + sum(subject.totals.rows.values()))
        yield Finding(
            check="kept_out",
            severity="warning" if share > MANY_KEPT_OUT else "info",
            message=f"{n_kept_out} rows ({share:.1%}) are in no split: their group belongs to an earlier time",
            count=n_kept_out,
            advice="split.kind time keeps them, and lets groups sit on both sides",
        )
