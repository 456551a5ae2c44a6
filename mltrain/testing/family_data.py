"""Small encoded views that the contract of model families is tried on, and fits on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltrain.models import Fitted, Fold, Limits, ModelFamily, Objective, Proba, Shape, View, ViewKind

_N_SAMPLES = 600
_MANY = (25_000, 20)
_TWENTY_ROUNDS = Limits(seed=5, max_rounds=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """An encoded view and the class codes that partly follow from it."""

    view: View
    y: NDArray[np.int64]
    n_classes: int


def make_rows(kind: ViewKind, *, n_classes: int) -> Rows:
    """Return 600 rows of two numbers, one with missing values where the view has them, and a category."""
    rng = np.random.default_rng(11)
    numbers = rng.normal(size=(_N_SAMPLES, 2)).astype(np.float32)
    category = rng.integers(0, 4, size=_N_SAMPLES)
    signal = numbers[:, 0] + 0.7 * (category - 1.5) + rng.normal(scale=0.5, size=_N_SAMPLES)
    edges = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    y = np.searchsorted(edges, signal).astype(np.int64)
    if kind == "one_hot":
        X = np.column_stack([numbers, np.eye(4)[category]]).astype(np.float32)
        names = ("first", "second", *(f"category_{code}" for code in range(4)))
        return Rows(view=View(kind=kind, X=X, feature_names=names), y=y, n_classes=n_classes)
    X = np.column_stack([numbers, category]).astype(np.float32)
    if kind == "native":
        X[::9, 1] = np.nan
        X[::13, 2] = np.nan
    view = View(kind=kind, X=X, feature_names=("first", "second", "category"), categorical=(2,))
    return Rows(view=view, y=y, n_classes=n_classes)


def make_many_rows(kind: ViewKind, *, n_classes: int) -> Rows:
    """Return 25,000 rows of twenty numbers, most of them noise, and classes of unequal size.

    Libraries deal so many rows out to their threads in blocks, and noise is where sums that differ in their last bit
    make other cuts.
    """
    rng = np.random.default_rng(7)
    X = rng.normal(size=_MANY).astype(np.float32)
    signal = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=_MANY[0])
    edges = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1] ** 1.5)
    names = tuple(f"number_{position}" for position in range(_MANY[1]))
    y = np.searchsorted(edges, signal).astype(np.int64)
    return Rows(view=View(kind=kind, X=X, feature_names=names), y=y, n_classes=n_classes)


def make_folds(rows: Rows) -> list[Fold]:
    """Return two folds that swap training and validation rows."""
    everything = np.arange(rows.y.size)
    odd = everything % 2 == 1
    halves = everything[odd], everything[~odd]
    return [Fold(train=halves[0], valid=halves[1]), Fold(train=halves[1], valid=halves[0])]


def shape_of(rows: Rows) -> Shape:
    """Return what a family may know of the rows."""
    return rows.view.describe(n_classes=rows.n_classes)


def prepare(
    family: ModelFamily,
    rows: Rows,
    *,
    folds: Sequence[Fold] | None = None,
    weights: Any = None,
    threads: int = 1,
) -> tuple[Any, Sequence[Fold]]:
    """Return what a family makes of the rows for its fits, and the folds."""
    folds = make_folds(rows) if folds is None else folds
    objective = Objective(n_classes=rows.n_classes)
    prepared = family.prepare(rows.view, rows.y, weights=weights, folds=folds, objective=objective, threads=threads)
    return prepared, folds


def fit_first(
    family: ModelFamily, prepared: Any, rows: Rows, *, fold: int = 0, limits: Limits = _TWENTY_ROUNDS
) -> Fitted:
    """Fit the first of the family's first trials."""
    return family.fit(prepared, fold, params=family.first_trials(shape_of(rows))[0], limits=limits)


def assert_distributions(proba: Proba, shape: tuple[int, ...]) -> None:
    """Fail unless each row is a distribution over the classes."""
    assert proba.shape == shape
    assert proba.dtype == np.float64
    assert proba.min() >= 0
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-9)
