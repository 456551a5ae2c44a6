"""What a training will need of memory, estimated before it begins, and what it does where there is less.

A sum over what is held at once, from the shapes alone: no row is read for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mltrain.data import Column, ColumnKind, Schema
from mltrain.errors import EnvironmentRefusal
from mltrain.models import ModelFamily, ViewKind
from mltrain.voting import MOST_PICKED_FROM, VOTERS_PER_FAMILY

LIBRARIES_BYTES = 450_000_000
SPARE = 1.15
FEWEST_ROWS = 20_000
_DATE_PARTS = 7
_CELL_BYTES_OF_VIEW = 4
# What a family keeps of a cell it trains on, in one setting of bins; as `prepare` of each family says.
_CELL_BYTES = {"lgbm": 2, "xgboost": 4, "catboost": 6, "random_forest": 0, "logistic_regression": 0}
_OTHER_CELL_BYTES = 4
# Settings of bins that a search has open at once, and fits in flight.
_SEARCH_COPIES = 2
# What a fit keeps of a row: gradients and scores of each class, and the rest; CatBoost most, 200 bytes for two classes.
_ROW_BYTES, _ROW_CLASS_BYTES = 168, 16
# A view with a column for each category is dense up to so many columns, or four a feature.
_DENSE_COLUMNS, _DENSE_COLUMNS_PER_FEATURE = 64, 4
# What a linear model learns from: a number and its bends, and so many cells at most, or those of so many rows.
_CELLS_OF_NUMBER = 13
_MOST_LINEAR_CELLS, _MOST_CELLS_OF_FEWEST, _FEWEST_LINEAR_ROWS = 24_000_000, 96_000_000, 50_000
# A forest has 100 trees at most, and a tree of leaves of a few rows about one node for two rows; the bound that the
# family keeps to reckons with two nodes a row, and so with four times as much.
_TREES, _NODES_PER_ROW = 100, 0.5
_NODE_BYTES, _NODE_CLASS_BYTES = 64, 8
_MOST_FOREST_BYTES = 100_000_000
# Trials whose models are there at once: those that may vote, the best of the other variant, one that is fitted.
_TRIALS_WITH_MODELS = VOTERS_PER_FAMILY + 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What a training needs and does.

    Attributes
    ----------
    needed_bytes : int
        With all rows in the search.
    available_bytes : int
    search_rows : int, optional
        Rows that each trial learns from, where not all of them fit; the final fit learns from all.
    """

    needed_bytes: int
    available_bytes: int
    search_rows: int | None = None

    def __str__(self) -> str:
        text = f"memory: about {gigabytes(self.needed_bytes)} needed, {gigabytes(self.available_bytes)} available"
        if self.search_rows is None:
            return text
        return f"{text}; trials learn from {self.search_rows:,} rows, the final fit from all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What a training is about to hold.

    Attributes
    ----------
    n_rows : int
        Train and validation rows.
    n_validation : int
        Rows that trials predict: all of them where they are cross-validated.
    most_rows : int
        Rows that a trial would learn from, were there no end of memory.
    n_folds : int
        Models of one trial.
    one_at_a_time : bool
        Whether families are prepared and searched one after the other.
    """

    schema: Schema
    n_rows: int
    n_validation: int
    most_rows: int
    families: Mapping[str, ModelFamily]
    n_folds: int = 1
    one_at_a_time: bool = True


def look_ahead(load: Load, *, available_bytes: int) -> Outlook:
    """Return what a training of these families on these rows needs, and what it does.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        Even with few rows in the search the final fit on all rows does not fit; says the figure.
    """
    needed = needed_bytes(load, search_rows=load.most_rows)
    if needed <= available_bytes:
        return Outlook(needed_bytes=needed, available_bytes=available_bytes)
    least = needed_bytes(load, search_rows=min(FEWEST_ROWS, load.most_rows))
    if least > available_bytes:
        fitting = int(load.n_rows * (available_bytes - LIBRARIES_BYTES) / max(least - LIBRARIES_BYTES, 1))
        fewer = f"about {fitting // 1000 * 1000:,} rows would fit: split a sample, " if fitting >= 1000 else ""
        raise EnvironmentRefusal(
            f"training on {load.n_rows:,} rows needs about {gigabytes(least)} of memory, "
            f"and {gigabytes(available_bytes)} are available",
            where="train",
            hint=f"{fewer}list columns in data.drop, train fewer models with --model, or use a larger machine",
        )
    return Outlook(
        needed_bytes=needed, available_bytes=available_bytes, search_rows=_rows_that_fit(load, available_bytes)
    )


def _rows_that_fit(load: Load, available_bytes: int) -> int:
    """Return the most rows of the search that fit, in steps of two.

    Studies are keyed by it, and what is available changes from minute to minute: the same command is to find the same
    step again and go on.
    """
    rows = min(FEWEST_ROWS, load.most_rows)
    while 2 * rows <= load.most_rows and needed_bytes(load, search_rows=2 * rows) <= available_bytes:
        rows *= 2
    return rows


def needed_bytes(load: Load, *, search_rows: int) -> int:
    """Return the most that is held at once: while rows are read and encoded, searched on, or fitted finally.

    Parameters
    ----------
    search_rows : int
        Rows that a trial learns from.
    """
    predictions = MOST_PICKED_FROM * load.n_validation * load.schema.target.n_classes * 8
    stored = sum(_stored_bytes(column) + _working_bytes(column) for column in load.schema.features)
    views = {family.view: load.n_rows * _view_row_bytes(load, family.view) for family in load.families.values()}
    parts = [
        _Part(
            view=family.view,
            searched=predictions + _searched_bytes(name, load, search_rows=search_rows),
            fitted=predictions + _fitted_bytes(name, load, search_rows=search_rows),
        )
        for name, family in load.families.items()
    ]
    reading = load.n_rows * stored + max(views.values(), default=0)
    if load.one_at_a_time:
        held = [views[part.view] + max(part.searched, part.fitted) for part in parts]
    else:
        held = [sum(views.values()) + max(sum(p.searched for p in parts), sum(p.fitted for p in parts))]
    return int(LIBRARIES_BYTES + SPARE * max([reading, *held]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What one family holds beside its view, in bytes: while it is searched, and while it is fitted finally."""

    view: ViewKind
    searched: float
    fitted: float


def _searched_bytes(name: str, load: Load, *, search_rows: int) -> float:
    """Return what a family makes of the rows of its folds, and what its fits and models take."""
    n_features, cell = _n_features(load), _CELL_BYTES.get(name, _OTHER_CELL_BYTES)
    learnt = search_rows * n_features * cell * _SEARCH_COPIES * load.n_folds
    return learnt + load.n_validation * n_features * cell + _fits_bytes(name, load, n_rows=search_rows)


def _fitted_bytes(name: str, load: Load, *, search_rows: int) -> float:
    """Return the same of one fit on all rows, beside the models of the search."""
    cell = _CELL_BYTES.get(name, _OTHER_CELL_BYTES)
    models = _forest_bytes(load, search_rows=search_rows) if name == "random_forest" else 0
    return load.n_rows * (_n_features(load) * cell + _row_bytes(load)) + models


def _fits_bytes(name: str, load: Load, *, n_rows: int) -> float:
    """Return what fits on so many rows take: of a family whose fits copy rows, those in flight."""
    if name == "random_forest":
        return n_rows * _row_bytes(load) + _forest_bytes(load, search_rows=n_rows)
    if name == "logistic_regression":
        return n_rows * _row_bytes(load) + _SEARCH_COPIES * _linear_bytes(load, n_rows=n_rows)
    return n_rows * _row_bytes(load)


def _linear_bytes(load: Load, *, n_rows: int) -> float:
    """Return the cells that a linear model learns from and those that it is watched by, 4 bytes each."""
    n_numbers = sum(column.kind is not ColumnKind.CATEGORY for column in load.schema.features)
    row_cells = _n_features(load) + n_numbers * (_CELLS_OF_NUMBER - 1)
    most_cells = max(_MOST_LINEAR_CELLS, min(_FEWEST_LINEAR_ROWS * row_cells, _MOST_CELLS_OF_FEWEST))
    return 4 * sum(min(rows * row_cells, most_cells) for rows in (n_rows, load.n_validation))


def _forest_bytes(load: Load, *, search_rows: int) -> float:
    """Return what the forests take that are there at once."""
    node_bytes = _NODE_BYTES + _NODE_CLASS_BYTES * load.schema.target.n_classes
    forest_bytes = min(int(_TREES * _NODES_PER_ROW * search_rows * node_bytes), _MOST_FOREST_BYTES)
    return _TRIALS_WITH_MODELS * load.n_folds * forest_bytes


def _view_row_bytes(load: Load, kind: ViewKind) -> int:
    """Return the bytes of an encoded row; of categories as columns, no more than where the view would be sparse."""
    n_features = _n_features(load)
    if kind == "one_hot" and any(column.kind is ColumnKind.CATEGORY for column in load.schema.features):
        return _CELL_BYTES_OF_VIEW * max(_DENSE_COLUMNS, _DENSE_COLUMNS_PER_FEATURE * n_features)
    return _CELL_BYTES_OF_VIEW * n_features


def _row_bytes(load: Load) -> int:
    return _ROW_BYTES + _ROW_CLASS_BYTES * load.schema.target.n_classes


def _n_features(load: Load) -> int:
    """Return about how many features there are, a category being one."""
    return sum(_DATE_PARTS if column.kind is ColumnKind.DATE else 1 for column in load.schema.features)


def gigabytes(n_bytes: float) -> str:
    """Return an amount of memory as people write it.

    Examples
    --------
    >>> gigabytes(2_340_000_000), gigabytes(120_000_000)
    ('2.3 GB', '0.1 GB')
    """
    return f"{n_bytes / 1e9:.1f} GB"


def columns_to_read(schema: Schema, *others: str | None) -> Sequence[str]:
    """Return the columns of a split that training needs: features, target, and those that make folds and weights."""
    named = (*(c.name for c in schema.features), schema.target.name, schema.group, schema.time, *others)
    return tuple(dict.fromkeys(name for name in named if name is not None))


def _stored_bytes(column: Column) -> int:
    """Return the bytes of a value as it is read: text is a number in a dictionary."""
    return 4 if column.kind is ColumnKind.CATEGORY else 8


def _working_bytes(column: Column) -> int:
    """Return the bytes of a value in the type that its kind works with, none where it is of that type already."""
    if column.arrow_type == "double" and column.kind is ColumnKind.NUMERIC:
        return 0
    return {ColumnKind.CATEGORY: 4, ColumnKind.BOOLEAN: 1}.get(column.kind, 8)
