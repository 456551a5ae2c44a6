"""What is odd about a table and its splits: seen before a model is trained on it, at the cost of seconds.

One check a file, each a function of the `Subject` alone; a new one is a file and a name in `CHECKS`. The test rows are
looked at for duplicates, drift, entities and their place in time only, before they are sealed. Findings inform; whether
they stop anything is decided by the command.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from mltrain.audit.classes import check_classes, check_few_rows, check_kept_out
from mltrain.audit.columns import check_constant, check_ids, check_levels, check_unusable
from mltrain.audit.drift import check_drift
from mltrain.audit.duplicates import check_duplicates
from mltrain.audit.entities import check_entities, check_groups
from mltrain.audit.fitness import check_fitness
from mltrain.audit.infinite import check_infinite
from mltrain.audit.leaks import check_leaks
from mltrain.audit.likeness import check_near_duplicate_columns
from mltrain.audit.missing import check_missing
from mltrain.audit.order import check_order
from mltrain.audit.subject import Subject, Totals, make_subject
from mltrain.audit.texts import check_texts
from mltrain.data import Schema
from mltrain.data.splits import Finding, worst_first

__all__ = ["CHECKS", "Finding", "Subject", "Totals", "audit_split"]

logger = logging.getLogger(__name__)

CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    check_fitness,
    check_classes,
    check_few_rows,
    check_leaks,
    check_groups,
    check_entities,
    check_order,
    check_duplicates,
    check_drift,
    check_missing,
    check_infinite,
    check_constant,
    check_ids,
    check_texts,
    check_levels,
    check_near_duplicate_columns,
    check_unusable,
    check_kept_out,
)


def audit_split(
    tables: Mapping[str, pa.Table],
    schema: Schema,
    *,
    kind: str = "stratified",
    seed: int = 0,
    totals: Totals | None = None,
    n_kept_out: int = 0,
) -> tuple[Finding, ...]:
    """Return the findings, the severe ones first.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        All columns of the rows of each split, or of a sample of them.
    kind : str
        What the splits respect, as in ``split.kind``.
    totals : Totals, optional
        What was counted over all rows where ``tables`` are samples; by default the tables are counted.
    n_kept_out : int
        Rows in no split; unused with ``totals``.

    Notes
    -----
    Checks that fit or compare use at most 50,000 rows of what they are given and say so.
    """
    subject = make_subject(tables, schema, totals=totals, n_kept_out=n_kept_out, kind=kind, seed=seed)
    findings: list[Finding] = []
    for check in CHECKS:
        started = time.perf_counter()
        findings += check(subject)
        logger.debug("%s: %.2f s", check.__name__, time.perf_counter() - started)
    return worst_first(findings)
