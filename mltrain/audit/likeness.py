"""Near-duplicate columns: pairs that carry the same information."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import rankdata

from mltrain.audit.codes import value_codes
from mltrain.audit.subject import Subject
from mltrain.data import ColumnKind
from mltrain.data.floats import as_floats
from mltrain.data.splits import Finding

MOST_ROWS = 20_000
MOST_COLUMNS = 500
ALIKE = 0.9999  # rank correlation
FEW_ROWS_A_VALUE = 5


def check_near_duplicate_columns(subject: Subject) -> Iterator[Finding]:
    """Report pairs of features of which one can be read off the other.

    Notes
    -----
    Columns with several rows for each value are alike when their values pair off one to one; columns of numbers also
    when they order the rows alike. At most 20,000 training rows and the first 500 features are compared.
    """
    if "train" not in subject.features:
        return
    table = _sample(subject)
    names = [c.name for c in subject.schema.features][:MOST_COLUMNS]
    pairs = [*_same_partition(table, names), *_same_order(table, subject, names)]
    found = sorted(set(pairs), key=lambda pair: (names.index(pair[0]), names.index(pair[1])))
    if found:
        shown = "; ".join(f"{first} = {second}" for first, second in found[:10])
        more = f" and {len(found) - 10} more pairs" if len(found) > 10 else ""
        others = list(dict.fromkeys(second for _, second in found))
        yield Finding(
            check="near_duplicate_columns",
            severity="info",
            message=f"columns that say the same: {shown}{more}",
            columns=tuple(dict.fromkeys(name for pair in found for name in pair)),
            count=len(found),
            advice=f"one of each is enough: data.drop: [{', '.join(others[:10])}]",
        )


def _sample(subject: Subject) -> pa.Table:
    """Return at most 20,000 training rows."""
    table = subject.features["train"]
    if table.num_rows <= MOST_ROWS:
        return table
    chosen = np.random.default_rng(subject.seed).choice(table.num_rows, MOST_ROWS, replace=False)
    return table.take(pa.array(np.sort(chosen)))


def _same_partition(table: pa.Table, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs whose values pair off one to one."""
    codes: dict[str, NDArray[np.int64]] = {}
    n_values: dict[str, int] = {}
    for name in names:
        values, inverse = np.unique(value_codes(table.column(name)), return_inverse=True)
        if 2 <= len(values) <= table.num_rows / FEW_ROWS_A_VALUE:
            codes[name], n_values[name] = inverse.astype(np.int64), len(values)
    for first, second in combinations(codes, 2):
        if n_values[first] == n_values[second]:
            both = codes[first] * n_values[second] + codes[second]
            if len(np.unique(both)) == n_values[first]:
                yield first, second


def _same_order(table: pa.Table, subject: Subject, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of numbers with a rank correlation of almost 1 or -1, missing values in the same rows."""
    kinds = {c.name: c.kind for c in subject.schema.features}
    ranked: dict[str, NDArray[np.float64]] = {}
    for name in names:
        if kinds[name] in (ColumnKind.NUMERIC, ColumnKind.DATE):
            values = as_floats(table.column(name))
            is_missing = np.isnan(values)
            if is_missing.mean() < 0.5 and len(np.unique(values[~is_missing])) > 2:
                # Missing values rank below all others, so that they must stand in the same rows.
                ranked[name] = rankdata(np.where(is_missing, -np.inf, values))
    if len(ranked) < 2:
        return
    correlations = np.abs(np.corrcoef(np.stack(list(ranked.values()))))
    columns = list(ranked)
    for first, second in zip(*np.nonzero(np.triu(correlations > ALIKE, k=1)), strict=True):
        yield columns[first], columns[second]
