"""The rows of a fold as plain arrays, for families whose library needs nothing prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def fold_rows(prepared: Prepared, fold: int) -> FoldRows:
    """Return the rows and features of one fold; everything is not copied."""
    part = prepared.folds[fold]
    X = prepared.view.X if part.features is None else prepared.view.X[:, part.features]
    is_whole = part.train.size == prepared.view.n_samples
    return FoldRows(
        X=X if is_whole else X[part.train],
        y=prepared.y if is_whole else prepared.y[part.train],
        weights=None if prepared.weights is None else prepared.weights[part.train],
        X_valid=X[part.valid],
        y_valid=prepared.y[part.valid],
    )
