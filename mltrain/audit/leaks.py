"""Leak suspects: single columns that almost tell the target by themselves, judged on training rows alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.audit.codes import binned
from mltrain.audit.separation import Separation, deal_folds, held_out_shares, separation
from mltrain.audit.subject import Subject
from mltrain.data.splits import Finding
from mltrain.data.text import group_codes

MOST_ROWS = 50_000
FEWEST_OF_A_CLASS = 10
SUSPECT = 0.95
CERTAIN = 0.99
CERTAIN_LOW = 0.98


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rows:
    """Training rows to judge columns on."""

    table: pa.Table
    y: NDArray[np.int64]
    folds: NDArray[np.int64]


def check_leaks(subject: Subject) -> Iterator[Finding]:
    """Report columns whose cross-validated AUC, alone, is so high that they may have been known only afterwards.

    Notes
    -----
    A column is binned (numbers by quantile, categories by level, missing values apart), and each row scored by the
    class shares of its bin in other folds; a class needs ten rows to be judged. Groups are never torn apart, or a
    column that merely names the customer would look like a leak.
    """
    if "train" not in subject.features:
        return
    rows = _sample(subject)
    if len(rows.y) == 0 or len(np.unique(rows.y)) < 2:
        return
    for name in rows.table.column_names:
        found = separation(held_out_shares(binned(rows.table.column(name)), rows.y, folds=rows.folds), rows.y)
        if found.auc >= SUSPECT:
            yield _suspect(name, found, subject, n_rows=len(rows.y))


def _sample(subject: Subject) -> _Rows:
    """Return training rows of classes that have some, at most 50,000."""
    table, y = subject.features["train"], subject.y["train"]
    rng = np.random.default_rng(subject.seed)
    chosen = np.arange(len(y))
    if len(y) > MOST_ROWS:
        chosen = np.sort(rng.choice(len(y), MOST_ROWS, replace=False))
    counts = np.bincount(y[chosen], minlength=subject.schema.target.n_classes)
    chosen = chosen[counts[y[chosen]] >= FEWEST_OF_A_CLASS]
    _, codes = np.unique(y[chosen], return_inverse=True)
    groups = None
    if subject.schema.group is not None and len(chosen):
        groups = group_codes(subject.tables["train"].column(subject.schema.group).take(pa.array(chosen)))
    return _Rows(
        table=table.take(pa.array(chosen)), y=codes, folds=deal_folds(len(chosen), seed=subject.seed, groups=groups)
    )


def _suspect(name: str, found: Separation, subject: Subject, *, n_rows: int) -> Finding:
    """Return the finding about one column."""
    is_certain = found.auc >= CERTAIN and found.low >= CERTAIN_LOW
    verb = "tells" if is_certain else "almost tells"
    total = subject.totals.rows["train"]
    sample = f" on {n_rows:,} of {total:,} training rows" if n_rows < total else ""
    return Finding(
        check="leak",
        severity="severe" if is_certain else "warning",
        message=f"{name} alone {verb} the target: AUC {found.auc:.3f} ({found.low:.3f} to {found.high:.3f}){sample}",
        columns=(name,),
        advice=f"is it known before the outcome? if not: data.drop: [{name}]",
        values={"auc": round(found.auc, 6), "low": round(found.low, 6), "high": round(found.high, 6)},
    )
