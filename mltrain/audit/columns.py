"""Columns without use: constant ones, ids, and categories with very many levels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from mltrain.audit.codes import value_codes
from mltrain.audit.rows import hash_rows
from mltrain.audit.subject import Subject
from mltrain.data import ColumnKind, Trait
from mltrain.data.floats import as_floats
from mltrain.data.nearest import listed
from mltrain.data.splits import Finding

ENOUGH_ROWS = 100
ALMOST_ALL = 0.99
MANY_DIFFER = 0.5  # fewer are no numbers of rows, however often rows came
DENSE = 20  # a counter leaves fewer gaps than this many whole numbers a row
MANY_LEVELS = 1000
SOME_LEVELS = 50
FEW_ROWS_A_LEVEL = 10


def check_constant(subject: Subject) -> Iterator[Finding]:
    """Report columns that were left out because they hold one value or none."""
    names = _with(subject, Trait.CONSTANT)
    if names:
        yield Finding(
            check="constant",
            severity="warning",
            message=f"columns without information are left out: {listed(names)}",
            columns=names,
            count=len(names),
            advice=f"data.drop: [{', '.join(names[:10])}], or find out why the export has no values",
        )


def check_unusable(subject: Subject) -> Iterator[Finding]:
    """Report columns of a type that cannot be learnt from, such as lists."""
    lost = {c.name: c.arrow_type for c in subject.schema.columns if c.trait is Trait.UNUSABLE}
    if lost:
        yield Finding(
            check="unusable",
            severity="info",
            message="columns of these types are left out: "
            + ", ".join(f"{name} ({kind})" for name, kind in lost.items()),
            columns=tuple(lost),
            count=len(lost),
            advice="take numbers or text out of them beforehand",
        )


def check_ids(subject: Subject) -> Iterator[Finding]:
    """Report columns that were taken for ids, and whole numbers that are learnt from although they look like ids."""
    names = _with(subject, Trait.NAMED_ID, Trait.DISTINCT)
    if names:
        yield Finding(
            check="id_like",
            severity="info",
            message=f"columns that look like ids are not learnt from: {listed(names)}",
            columns=names,
            count=len(names),
            advice="if one is a feature, name it in data.columns",
        )
    counters = tuple(name for name in _whole_numbers(subject) if _looks_like_a_counter(subject, name))
    if counters:
        yield Finding(
            check="id_like",
            severity="warning",
            message=f"whole numbers that all differ from row to row, like ids, are learnt from: {listed(counters)}",
            columns=counters,
            count=len(counters),
            advice=f"if they name rows: data.id_columns: [{', '.join(counters[:10])}]",
        )


def check_levels(subject: Subject) -> Iterator[Finding]:
    """Report categories with very many levels, or with few rows for each."""
    if "train" not in subject.features:
        return
    table, found = subject.features["train"], {}
    for name in (c.name for c in subject.schema.features if c.kind is ColumnKind.CATEGORY):
        n_levels = len(np.unique(value_codes(table.column(name))))
        if n_levels >= MANY_LEVELS or n_levels >= max(SOME_LEVELS, table.num_rows / FEW_ROWS_A_LEVEL):
            found[name] = n_levels
    if found:
        shown = ", ".join(f"{name} {n:,} ({table.num_rows / n:.0f} rows each)" for name, n in list(found.items())[:10])
        yield Finding(
            check="many_levels",
            severity="info",
            message=f"categories with very many levels: {shown}{subject.sample_note}",
            columns=tuple(found),
            count=len(found),
            advice="rare levels say little of new rows: group them (preprocessing.max_categories), or data.drop",
            values={name: float(n) for name, n in found.items()},
        )


def _with(subject: Subject, *traits: Trait) -> tuple[str, ...]:
    """Return the columns whose values gave away one of these."""
    return tuple(column.name for column in subject.schema.columns if column.trait in traits)


def _whole_numbers(subject: Subject) -> list[str]:
    """Return the numeric features that came as whole numbers."""
    kinds = {field.name: field.type for field in next(iter(subject.tables.values())).schema}
    return [
        column.name
        for column in subject.schema.features
        if column.kind is ColumnKind.NUMERIC and pa.types.is_integer(kinds[column.name])
    ]


def _looks_like_a_counter(subject: Subject, name: str) -> bool:
    """Say whether almost all training values differ although they lie close together, as drawn numbers never do.

    A row that came twice brings its number twice, and counts once.
    """
    if "train" not in subject.features:
        return False
    values = as_floats(subject.features["train"].column(name))
    present = values[~np.isnan(values)]
    n_rows = max(sum(subject.totals.rows.values()), len(present))
    if len(present) < ENOUGH_ROWS or present.max() - present.min() >= DENSE * n_rows:
        return False
    n_distinct = len(np.unique(present))
    if n_distinct < MANY_DIFFER * len(present):
        return False
    return bool(n_distinct >= ALMOST_ALL * len(present) or n_distinct >= ALMOST_ALL * _n_distinct_rows(subject))


def _n_distinct_rows(subject: Subject) -> int:
    """Return how many training rows there are once those that came twice count once."""
    return len(np.unique(hash_rows(subject.features["train"]).whole))
