"""What is audited: rows of each split, what their columns mean, and what was counted over all rows.

The tables may be samples; what must be exact is handed in beside them as `Totals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data import Schema
from mltrain.data.conforming import conform
from mltrain.data.target import encode_target
from mltrain.data.text import group_codes
from mltrain.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What is counted over all rows of a split, where the tables hold a sample of them.

    Attributes
    ----------
    rows : mapping of str to int
        Rows of each split.
    classes : mapping of str to tuple of int
        Rows of each class, in code order, by split.
    n_shared_groups : int
        Groups with rows in more than one split.
    n_without_group : int
        Rows without a group.
    n_kept_out : int
        Rows in no split, because their group belongs to an earlier time.
    """

    rows: Mapping[str, int]
    classes: Mapping[str, tuple[int, ...]]
    n_shared_groups: int = 0
    n_without_group: int = 0
    n_kept_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A division under audit.

    Attributes
    ----------
    tables : mapping of str to pyarrow.Table
        All columns of the rows of each split, or of a sample of them.
    y : mapping of str to ndarray of shape (n_samples,)
        Class codes of these rows.
    features : mapping of str to pyarrow.Table
        The feature columns of these rows, conformed to the schema; a split that does not conform is left out.
    misfits : mapping of str to DataError
        Why a split does not conform.
    kind : str
        What the splits respect, as in ``split.kind``.
    """

    tables: Mapping[str, pa.Table]
    schema: Schema
    y: Mapping[str, NDArray[np.int64]]
    features: Mapping[str, pa.Table]
    totals: Totals
    kind: str
    seed: int
    misfits: Mapping[str, DataError] = field(default_factory=dict)

    @property
    def development(self) -> tuple[str, ...]:
        """Names of the splits that training may see."""
        return tuple(name for name in self.tables if name != "test")

    def is_whole(self, name: str) -> bool:
        """Say whether the table of a split holds all of its rows."""
        return bool(self.tables[name].num_rows == self.totals.rows[name])

    @property
    def sample_note(self) -> str:
        """What to add to a message about the tables where they do not hold all rows."""
        return sample_note(self.tables, self.totals.rows)


def sample_note(tables: Mapping[str, pa.Table], rows: Mapping[str, int]) -> str:
    """Return what to add to a message about some splits where their tables do not hold all ``rows`` of each."""
    n_seen, n_rows = sum(table.num_rows for table in tables.values()), sum(rows[name] for name in tables)
    return "" if n_seen == n_rows else f" (in a sample of {n_seen:,} of {n_rows:,} rows)"


def make_subject(
    tables: Mapping[str, pa.Table], schema: Schema, *, totals: Totals | None, n_kept_out: int, kind: str, seed: int
) -> Subject:
    """Return the subject of an audit; totals that nobody counted are those of the tables."""
    y = {name: encode_target(schema.target, table.column(schema.target.name)) for name, table in tables.items()}
    features, misfits = {}, {}
    for name, table in tables.items():
        try:
            features[name] = conform(table, schema, origin=f"the {name} split")
        except DataError as error:
            misfits[name] = error
    return Subject(
        tables=tables,
        schema=schema,
        y=y,
        features=features,
        misfits=misfits,
        totals=_count(tables, schema, y=y, n_kept_out=n_kept_out) if totals is None else totals,
        kind=kind,
        seed=seed,
    )


def _count(
    tables: Mapping[str, pa.Table], schema: Schema, *, y: Mapping[str, NDArray[np.int64]], n_kept_out: int
) -> Totals:
    """Count over the tables: they are whole."""
    n_classes = schema.target.n_classes
    classes = {name: tuple(int(n) for n in np.bincount(codes, minlength=n_classes)) for name, codes in y.items()}
    rows = {name: table.num_rows for name, table in tables.items()}
    if schema.group is None:
        return Totals(rows=rows, classes=classes, n_kept_out=n_kept_out)
    columns = {name: table.column(schema.group) for name, table in tables.items()}
    return Totals(
        rows=rows,
        classes=classes,
        n_shared_groups=n_shared_values(columns),
        n_without_group=sum(int(pc.sum(pc.is_null(column)).as_py() or 0) for column in columns.values()),
        n_kept_out=n_kept_out,
    )


def n_shared_values(columns: Mapping[str, pa.ChunkedArray]) -> int:
    """Return how many values stand in the columns of more than one split."""
    kept = list(columns.values())
    codes = group_codes(pa.chunked_array([chunk for column in kept for chunk in column.chunks], kept[0].type))
    n_splits = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    for part in np.split(codes, np.cumsum([len(column) for column in kept])[:-1]):
        n_splits[np.unique(part)] += 1
    return int((n_splits > 1).sum())
