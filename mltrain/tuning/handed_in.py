"""X, y and groups as a notebook has them, made into what a search learns from. Nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mltrain.config import Config
from mltrain.data import FEATURE_KINDS, ColumnKind, Schema
from mltrain.data.columns import infer_columns, kind_of_type
from mltrain.data.frames import array_frame, as_column, frame_table
from mltrain.data.loading import infer_schema
from mltrain.data.target import encode_target, make_target
from mltrain.data.text import group_codes, is_text
from mltrain.development import develop, validation_kind
from mltrain.errors import DataError
from mltrain.events import Listener
from mltrain.jobs import Material, recipe_for
from mltrain.models import ModelFamily
from mltrain.outlook import fit_into_memory
from mltrain.splitting import assign_rows, split_shares


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedIn:
    """Rows as they were handed in.

    Attributes
    ----------
    table : pyarrow.Table of n_samples rows
        The columns of X, then the labels, then the groups where there are some.
    target, groups : str
        Names of the last ones.
    is_array : bool
        X has no names: whoever predicts hands in all of its columns again, by their place.
    """

    table: pa.Table
    target: str
    groups: str | None
    is_array: bool


def take_in(X: Any, y: Any, groups: Any = None) -> HandedIn:
    """Return X, y and groups as one table.

    Raises
    ------
    mltrain.errors.DataError
        They differ in length, have no rows, are of no type that can be read, or X holds y.
    """
    is_array = not isinstance(X, pd.DataFrame | pa.Table)
    table = frame_table(array_frame(X) if is_array else X)
    if not table.num_columns:
        raise DataError("X has no columns", where="X", hint="hand in columns to learn from")
    labels = as_column(y, name="y")
    _same_length(table, labels, "y")
    if table.num_rows == 0:
        raise DataError("there are no rows", where="X", hint="hand in rows to learn from")
    called = y.name if isinstance(y, pd.Series) else y.columns[0] if isinstance(y, pd.DataFrame) else None
    if called in table.column_names and table.column(called).equals(labels):
        raise DataError(f"X holds the labels, as {called!r}", where="X", hint=f"X.drop(columns={called!r})")
    target = _unused(table, "y" if called is None else str(called))
    table = table.append_column(target, labels)
    if groups is None:
        return HandedIn(table=table, target=target, groups=None, is_array=is_array)
    column = as_column(groups, name="groups")
    _same_length(table, column, "groups")
    name = _unused(table, "groups")
    return HandedIn(table=table.append_column(name, column), target=target, groups=name, is_array=is_array)


def make_material(
    given: HandedIn, config: Config, families: Mapping[str, ModelFamily], *, listener: Listener
) -> Material:
    """Return what families learn from, validated as `mltrain train` would on a split without test rows.

    Raises
    ------
    mltrain.errors.DataError
        There are no classes to learn, labels are missing, no column is left to learn from, or there are too few rows.
    mltrain.errors.EnvironmentRefusal
        There is too little memory for a final fit on all rows.
    """
    if given.groups is not None:
        config = _with(config, "split", kind="group", group_column=given.groups)
    schema, table = _schema(given, config), given.table
    codes = encode_target(schema.target, table[given.target])
    share, n_rows = split_shares(config.split, has_test=True).train, table.num_rows
    kind = validation_kind(config.train, n_train=round(share * n_rows))
    train, validation = table, table.slice(0, 0)
    if kind == "holdout":
        groups = None if given.groups is None else group_codes(table[given.groups])
        parts = assign_rows(codes.astype(np.uint16), config.split, seed=config.seed, groups=groups, has_test=True)
        train, validation = (table.take(parts.positions(part)) for part in ("train", "validation"))
    config = _with(config, "train", validation=kind)
    config = fit_into_memory(
        config,
        schema,
        families,
        n_train=train.num_rows,
        n_validation=validation.num_rows,
        listener=listener,
    )
    rows = develop(train, validation, schema=schema, settings=config.train, split=config.split, seed=config.seed)
    return Material(config=config, rows=rows, recipe=recipe_for(config, rows))


def _schema(given: HandedIn, config: Config) -> Schema:
    """Return the schema that the rows suggest; of an array every column stays."""
    target = make_target(given.table[given.target], given.target, positive=config.data.positive_class)
    rows = given.table if given.groups is None else given.table.drop_columns([given.groups])
    if not given.is_array:
        return infer_schema(rows, target, config.data)
    # Whoever hands in an array again has no names to leave out a column by: those with nothing to learn stay too.
    left_out = [c for c in infer_columns(rows, target=target.name, overrides={}) if c.kind not in FEATURE_KINDS]
    kinds = {column.name: _kind_by_type(rows.schema.field(column.name).type) for column in left_out}
    return infer_schema(rows, target, _with(config, "data", columns=kinds).data)


def _kind_by_type(kind: pa.DataType) -> ColumnKind:
    return ColumnKind.CATEGORY if is_text(kind) else kind_of_type(kind).kind


def _with(config: Config, section: str, **values: Any) -> Config:
    """Return a config with other values in one section."""
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _same_length(table: pa.Table, column: pa.ChunkedArray, name: str) -> None:
    if len(column) != table.num_rows:
        message = f"X has {table.num_rows} rows and {name} has {len(column)}"
        raise DataError(message, where=name, hint="hand in one value for each row of X, in the same order")


def _unused(table: pa.Table, name: str) -> str:
    """Return a name that no column has."""
    while name in table.column_names:
        name += "_"
    return name
