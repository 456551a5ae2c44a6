"""The rows and features of a fold as plain arrays: what every family picks, and all that some of them prepare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltrain.models import Fold, Objective, View


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What all trials of such a family share; nothing in it changes."""

    view: View
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    folds: tuple[Fold, ...]
    objective: Objective


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldRows:
    """One fold: matrices of shape (n_train, n_features) and (n_valid, n_features)."""

    X: Any
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    X_valid: Any
    y_valid: NDArray[np.int64]


def prepare_rows(
    view: View,
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    folds: Sequence[Fold],
    objective: Objective,
) -> Prepared:
    """Return the shared record."""
    return Prepared(view=view, y=y, weights=weights, folds=tuple(folds), objective=objective)


def pick_rows(X: Any, rows: NDArray[np.intp], features: NDArray[np.intp] | None = None) -> Any:
    """Return some rows, and features, of a matrix or array; rows that stand together are not copied.

    Parameters
    ----------
    rows : ndarray of int, ascending
    features : ndarray of int, optional
        All when None.
    """
    is_run = rows.size > 0 and int(rows[-1]) - int(rows[0]) + 1 == rows.size
    part = X[int(rows[0]) : int(rows[-1]) + 1] if is_run else X[rows]
    if features is None:
        return part
    return part.take(features, axis=1) if isinstance(part, np.ndarray) else part[:, features]


def pick_categorical(categorical: Sequence[int], features: NDArray[np.intp] | None) -> list[int]:
    """Return where the categorical ones stand among the chosen features; all are chosen when None."""
    return list(categorical) if features is None else np.flatnonzero(np.isin(features, categorical)).tolist()


def fold_rows(prepared: Prepared, fold: int, *, most_rows: int | None = None) -> FoldRows:
    """Return the rows and features of one fold; rows that stand together are not copied.

    Parameters
    ----------
    most_rows : int, optional
        Training rows at most, classes by their shares; the same ones of a fold for every trial of one seed.
    """
    part = prepared.folds[fold]
    if most_rows is not None and part.train.size > most_rows:
        seed = (prepared.objective.seed, fold)
        part = replace(part, train=_stratified(part.train, prepared.y[part.train], n_rows=most_rows, seed=seed))
    return FoldRows(
        X=pick_rows(prepared.view.X, part.train, part.features),
        y=pick_rows(prepared.y, part.train),
        weights=None if prepared.weights is None else pick_rows(prepared.weights, part.train),
        X_valid=pick_rows(prepared.view.X, part.valid, part.features),
        y_valid=pick_rows(prepared.y, part.valid),
    )


def _stratified(
    rows: NDArray[np.intp], y: NDArray[np.int64], *, n_rows: int, seed: tuple[int, int]
) -> NDArray[np.intp]:
    """Return some of the rows, ascending, each class by its share to within one row."""
    shuffled = np.random.default_rng(seed).permutation(rows.size)
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    return np.sort(rows[by_class[(np.arange(n_rows) * rows.size) // n_rows]])
