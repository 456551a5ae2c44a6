"""Bends: along a number, the score of a linear model may change its slope at a few knots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_MOST_ROWS = 20_000
_BLOCK_ROWS = 4_096


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bends:
    """Where slopes change; each bend is one more feature, ``max(x - knot, 0)``.

    Attributes
    ----------
    columns : ndarray of shape (n_bends,), int64
        Position of the feature that bends, ascending.
    knots : ndarray of shape (n_bends,), float32
        The value of it at which the slope changes.
    """

    columns: NDArray[np.int64]
    knots: NDArray[np.float32]
    is_delicate: ClassVar[bool] = False

    @property
    def n_bends(self) -> int:
        """Number of bends of all features together."""
        return int(self.columns.size)

    def n_features_of(self, n_coefficients: int) -> int:
        """Return the number of features of a row, before bends, by that of coefficients."""
        return n_coefficients - self.n_bends

    def check(self, n_coefficients: int) -> None:
        """Raise ValueError when they do not go with so many coefficients."""
        columns, knots, n_features = self.columns, self.knots, self.n_features_of(n_coefficients)
        if columns.shape != knots.shape or columns.ndim != 1 or not np.isfinite(knots).all():
            raise ValueError(f"not a logistic regression: {columns.shape} bends at {knots.shape} knots")
        if columns.min(initial=0) < 0 or columns.max(initial=-1) >= n_features:
            raise ValueError(f"not a logistic regression: bends beyond {n_features} features")

    def apply(self, X: Any) -> Any:
        """Return ``X`` with one feature more for each bend, dense or CSR as it is; itself where nothing bends.

        Returns
        -------
        ndarray or csr_matrix of shape (n_samples, n_features + n_bends)
        """
        if not self.n_bends:
            return X
        knots = self.knots.astype(X.dtype)
        if not isinstance(X, np.ndarray):
            numbers, own = np.unique(self.columns, return_inverse=True)
            bent = np.maximum(X[:, numbers].toarray()[:, own] - knots, 0)
            return sparse.hstack([X, sparse.csr_matrix(bent)], format="csr")
        n_samples, n_features = X.shape
        whole = np.empty((n_samples, n_features + self.n_bends), dtype=X.dtype)
        whole[:, :n_features] = X
        for start in range(0, n_samples, _BLOCK_ROWS):
            # All at once, what is subtracted from would be as large as what comes out.
            some = slice(start, start + _BLOCK_ROWS)
            np.maximum(X[some][:, self.columns] - knots, 0, out=whole[some, n_features:])
        return whole

    def basis(self) -> None:
        """Return nothing: a penalty takes features and bends as they are."""

    def sizes(self, coefficients: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each feature and its bends move the outputs, shape (n_features,)."""
        size = np.abs(coefficients).mean(axis=0) * spread
        n_features = self.n_features_of(spread.size)
        own: NDArray[np.float64] = size[:n_features].copy()
        np.add.at(own, self.columns, size[n_features:])
        return own

    def arrays(self) -> dict[str, Any]:
        """Return what it is made of, by name."""
        return {"bend_columns": self.columns, "bend_knots": self.knots}


def place_bends(X: Any, *, n_knots: int) -> Bends:
    """Return up to ``n_knots`` bends for each feature of more than two values, at its quantiles.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
        The rows that are learnt from; of many, every so many-th is looked at.

    References
    ----------
    Hastie, Tibshirani, Friedman (2009), The Elements of Statistical Learning, 2nd ed., section 5.2: piecewise linear
    functions by a truncated-power basis, with knots at quantiles.
    """
    columns: list[int] = []
    knots: list[float] = []
    if n_knots:
        some = X[:: max(1, -(-X.shape[0] // _MOST_ROWS))]
        by_column = some if isinstance(some, np.ndarray) else some.tocsc()
        for column in range(X.shape[1]):
            found = _knots(_values(by_column, column), n_knots)
            columns += [column] * len(found)
            knots += found
    return Bends(columns=np.array(columns, dtype=np.int64), knots=np.array(knots, dtype=np.float32))


def _values(X: Any, column: int) -> NDArray[np.floating]:
    """Return a feature's values; none where a look at what is stored says that there are two at most."""
    if isinstance(X, np.ndarray):
        return np.asarray(X[:, column])
    stored = X.data[X.indptr[column] : X.indptr[column + 1]]
    return np.asarray(X[:, [column]].toarray()[:, 0]) if stored.size and np.ptp(stored) > 0 else stored[:0]


def _knots(values: NDArray[np.floating], n_knots: int) -> list[float]:
    """Return quantiles between the least and the greatest value; of few values all that lie between.

    A value that so many rows have that it would be several quantiles, as the 0 of an amount often is, is left out.
    """
    distinct, counts = np.unique(values, return_counts=True)
    inner = distinct[1:-1]
    if inner.size <= n_knots:
        return [float(value) for value in inner]
    rare = counts * (n_knots + 1) <= values.size
    usual = np.repeat(distinct[rare], counts[rare]) if rare.any() else inner
    quantiles = np.unique(np.quantile(usual, np.arange(1, n_knots + 1) / (n_knots + 1)).astype(np.float32))
    return [float(knot) for knot in quantiles if distinct[0] < knot < distinct[-1]]
