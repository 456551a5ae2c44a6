"""Small encoded views that the contract of model families is tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.models import Fold, Shape, View, ViewKind

_N_SAMPLES = 600
_MANY = (25_000, 20)


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
    return rows.view.shape(n_classes=rows.n_classes)
