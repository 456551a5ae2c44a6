"""Entities on two sides: groups that the config names, and columns that look as if they named somebody."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.audit.subject import Subject, n_shared_values
from mltrain.data import Column, ColumnKind, Trait
from mltrain.data.columns import ID_NAME
from mltrain.data.splits import Finding
from mltrain.data.text import NUMBER, filled, group_codes, is_text
from mltrain.data.writings import DECIMAL_COMMA, DECORATED, OTHER_DATE

FEWEST_VALUES = 50
SHARE_OF_ROWS = 0.01
SHARE_OF_UNNAMED = 0.05
MOST_ROWS = 200_000
MOSTLY = 0.9


def check_groups(subject: Subject) -> Iterator[Finding]:
    """Report groups with rows in two splits, and rows without a group."""
    group, totals = subject.schema.group, subject.totals
    if group is None:
        return
    if totals.n_shared_groups:
        yield Finding(
            check="groups",
            severity="severe",
            message=f"{totals.n_shared_groups} groups have rows in more than one split",
            columns=(group,),
            count=totals.n_shared_groups,
            advice="set split.kind to group, or group_time",
        )
    if totals.n_without_group:
        yield Finding(
            check="groups",
            severity="info",
            message=f"{totals.n_without_group} rows without a group count as groups of their own",
            columns=(group,),
            count=totals.n_without_group,
        )


def check_entities(subject: Subject) -> Iterator[Finding]:
    """Report columns that are no declared group, name somebody in several rows, and do so on both sides.

    Notes
    -----
    A column names somebody when it is called like an id or is one, holds fifty different values or more, more than one
    a hundred rows, and repeats them; text that is not called so needs one a twenty rows and no amounts or dates in it.
    """
    for column in subject.schema.columns:
        if column.name == subject.schema.group or column.kind is ColumnKind.DROPPED:
            continue
        found = _shared(subject, column)
        if found:
            yield Finding(
                check="entities",
                severity="warning",
                message=f"{found:,} values of {column.name} stand in more than one split: "
                f"rows of one case may be on both sides{subject.sample_note}",
                columns=(column.name,),
                count=found,
                advice=f"if rows of one {column.name} belong together: split.kind: group, "
                f"split.group_column: {column.name}",
            )


def _shared(subject: Subject, column: Column) -> int:
    """Return how many values of a column that names somebody are on several sides."""
    columns = {name: table.column(column.name) for name, table in subject.tables.items()}
    kind = next(iter(columns.values())).type
    is_named = column.kind is ColumnKind.ID or ID_NAME.search(column.name) is not None
    is_unnamed = is_text(kind) and column.kind is ColumnKind.CATEGORY
    if not (is_unnamed or (is_named and (is_text(kind) or pa.types.is_integer(kind)))):
        return 0
    train = columns["train"].drop_null().slice(0, MOST_ROWS)
    n_values = len(np.unique(group_codes(train))) if len(train) else 0
    if column.trait is Trait.WRITTEN_OTHERWISE or (not is_named and _are_amounts_or_dates(train)):
        return 0
    share = SHARE_OF_ROWS if is_named else SHARE_OF_UNNAMED
    if n_values < max(FEWEST_VALUES, share * len(train)):
        return 0
    return n_shared_values(columns)


def _are_amounts_or_dates(column: pa.ChunkedArray) -> bool:
    """Say whether text writes amounts or dates, as units, commas or slashes give away: those come back."""
    values = pc.unique(filled(column)).drop_null()

    def share(pattern: str) -> float:
        return float(pc.mean(pc.match_substring_regex(values, pattern)).as_py() or 0.0)

    decorated = share(rf"{DECORATED}|{DECIMAL_COMMA}")
    return share(OTHER_DATE) >= MOSTLY or (decorated > 0 and decorated + share(NUMBER) >= MOSTLY)
