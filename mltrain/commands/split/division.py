"""Rows of the config's sources, each with its split: all in memory, nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.audit import audit_split
from mltrain.config import Config, DataSection
from mltrain.data import Schema
from mltrain.data.loading import (
    LabelledRows,
    infer_schema,
    load_rows,
    load_table,
    target_column,
)
from mltrain.data.nearest import listed, suggest
from mltrain.data.splits import Finding
from mltrain.data.stacking import stack_tables
from mltrain.data.target import encode_target, label_text, unlabelled
from mltrain.data.text import decoded
from mltrain.errors import ConfigError, DataError
from mltrain.splitting import split_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """Labelled rows, where each goes, and what is odd about it.

    Attributes
    ----------
    splits : mapping of str to ndarray of int
        Ascending positions of the rows of each split.
    """

    rows: LabelledRows
    schema: Schema
    splits: Mapping[str, NDArray[np.intp]]
    findings: tuple[Finding, ...]

    @property
    def n_kept_out(self) -> int:
        """Rows in no split."""
        return len(self.rows.y) - sum(len(positions) for positions in self.splits.values())


def divide(config: Config) -> Division:
    """Return the labelled rows of the config's sources, their splits and what the audit says.

    Notes
    -----
    The kinds of columns are inferred on rows that training may see, never on test rows.
    """
    rows = _load(config)
    splits = _split(rows, config)
    development = np.sort(np.concatenate([where for name, where in splits.items() if name != "test"]))
    group, time = config.split.group_column, config.split.time_column
    keys = (config.split.key_column,) if config.split.key_column else ()
    schema = infer_schema(rows.at(development), config.data, group=group, time=time, ids=keys)
    if config.data.test_source is not None:
        n_development = len(rows.y)
        rows = _with_test_rows(rows, config.data, schema=schema)
        splits = {**splits, "test": np.arange(n_development, len(rows.y))}
    _require_all_classes(rows, splits["train"])
    findings = audit_split(
        {name: rows.table.take(pa.array(positions)) for name, positions in splits.items()},
        schema,
        kind=config.split.kind,
        seed=config.seed,
        n_kept_out=len(rows.y) - sum(len(positions) for positions in splits.values()),
    )
    return Division(rows=rows, schema=schema, splits=splits, findings=findings)


def _load(config: Config) -> LabelledRows:
    """Return the labelled rows; in the order of their keys where there are some, else of the source."""
    rows = load_rows(config.data)
    names = rows.table.column_names
    for key in ("group_column", "time_column", "key_column"):
        name = getattr(config.split, key)
        if name == rows.target.name:
            raise ConfigError(f"column {name!r} is the target and can have no other role", where=f"split.{key}")
        if name is not None and name not in names:
            where = f"{config.data.source}, split.{key}"
            raise DataError(f"there is no column {name!r}", where=where, hint=suggest(name, names))
    if config.split.key_column is None:
        return rows
    return rows.at(pc.sort_indices(decoded(rows.table.column(config.split.key_column))).to_numpy())


def _split(rows: LabelledRows, config: Config) -> Mapping[str, NDArray[np.intp]]:
    """Return the positions of each split."""

    def column(name: str | None) -> pa.ChunkedArray | None:
        return None if name is None else rows.table.column(name)

    return split_rows(
        rows.y,
        config.split,
        seed=config.seed,
        groups=column(config.split.group_column),
        times=column(config.split.time_column),
        keys=column(config.split.key_column),
        has_test=config.data.test_source is not None,
    )


def _with_test_rows(rows: LabelledRows, section: DataSection, *, schema: Schema) -> LabelledRows:
    """Return the rows followed by those of the test source, in the columns of the first."""
    origin = str(section.test_source)
    # The format is the source's own where the config names none: a CSV may be tested on Parquet.
    table = load_table(origin, section.format, section.options)
    column = target_column(table, section)
    missing = unlabelled(column)
    table = table.filter(pa.array(~missing))
    if table.num_rows == 0:
        raise DataError("all labels are missing", where=f"{origin}, column {schema.target.name!r}")
    y = encode_target(schema.target, table.column(schema.target.name))
    lacking = [c.name for c in schema.features if c.name not in table.column_names]
    if lacking:
        raise DataError(f"the test source lacks columns: {listed(lacking)}", where=origin, hint="see data.test_source")
    for name in rows.table.column_names:
        if name not in table.column_names:
            kind = rows.table.schema.field(name).type
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    tables = [rows.table, table.select(rows.table.column_names)]
    return LabelledRows(
        table=stack_tables(tables, origins=[str(section.source), origin]),
        target=rows.target,
        y=np.concatenate([rows.y, y]),
        n_unlabelled=rows.n_unlabelled + int(missing.sum()),
    )


def _require_all_classes(rows: LabelledRows, train: NDArray[np.intp]) -> None:
    """Refuse a train split that lacks a class: no model could ever predict it."""
    counts = np.bincount(rows.y[train], minlength=rows.target.n_classes)
    absent = [label_text(rows.target.classes[code]) for code in np.flatnonzero(counts == 0)]
    if absent:
        raise DataError(
            f"the train split has no rows of class {listed(absent)}",
            where=f"column {rows.target.name!r}",
            hint="use another split.kind or cut-off, or remove these rows",
        )
