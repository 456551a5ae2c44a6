"""Which column to predict, when nobody said."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data.nearest import listed
from mltrain.data.text import decoded
from mltrain.errors import DataError

NAMES = (
    "target", "label", "y", "class", "churn", "churned", "outcome", "default", "diagnosis", "fraud", "is_fraud",
    "status", "survived", "response", "converted", "species",
)  # fmt: skip
_MOST_CLASSES = 20
_MOST_CLASSES_NAMED = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGuess:
    """A column that looks like the target, and why."""

    column: str
    reason: str


def guess_target(table: pa.Table) -> TargetGuess:
    """Return the column that is named like a target, or else the last one, when its values look like classes.

    Raises
    ------
    mltrain.errors.DataError
        No column is named like a target, or several are, and the last one does not look like classes.
    """
    named = [name for name in table.column_names if name.casefold() in NAMES]
    for wanted in NAMES:
        same = [
            name
            for name in named
            if name.casefold() == wanted and _looks_like_classes(table.column(name), most=_MOST_CLASSES_NAMED)
        ]
        if len(same) == 1:
            return TargetGuess(column=same[0], reason=f"column '{same[0]}' is named like one")
    last = table.column_names[-1]
    if len(named) == 0 and _looks_like_classes(table.column(last), most=_MOST_CLASSES):
        return TargetGuess(column=last, reason=f"column '{last}' is the last one and holds a few classes")
    raise DataError("no column is clearly the target", hint=f"say --target with one of {listed(table.column_names)}")


def _looks_like_classes(column: pa.ChunkedArray, *, most: int) -> bool:
    """Say whether a column has few values, each on several rows."""
    values = decoded(column)
    types = pa.types
    is_label = types.is_boolean(values.type) or types.is_integer(values.type) or types.is_string(values.type)
    if not (is_label or types.is_large_string(values.type)):
        return False
    n_distinct = int(pc.count_distinct(values, mode="only_valid").as_py())
    return 2 <= n_distinct <= most and n_distinct * 2 <= len(values) - values.null_count
