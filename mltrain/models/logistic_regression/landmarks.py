"""Landmarks: rows of the training data, and how close another row is to each of them.

A linear model of closeness draws smooth curves through all features at once, where bends curve one and trees cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

# Directions in which landmarks hardly differ say nothing but rounding errors.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Landmarks:
    """Rows that others are measured by.

    Attributes
    ----------
    rows : ndarray of shape (n_landmarks, n_features), float32
    decay : float
        Closeness is ``exp(-decay * squared distance)``.
    """

    rows: NDArray[np.float32]
    decay: float
    is_delicate: ClassVar[bool] = True
    """Predictions are made in double precision: coefficients of landmarks are large and nearly cancel each other."""

    def n_features_of(self, n_coefficients: int) -> int:
        """Return the number of features of a row, whatever that of coefficients."""
        del n_coefficients
        return int(self.rows.shape[1])

    def check(self, n_coefficients: int) -> None:
        """Raise ValueError when they do not go with so many coefficients."""
        is_sound = self.rows.ndim == 2 and np.isfinite(self.rows).all() and 0 < self.decay < np.inf
        if not is_sound or len(self.rows) != n_coefficients:
            raise ValueError(f"not a logistic regression: {n_coefficients} coefficients, landmarks {self.rows.shape}")

    def apply(self, X: Any) -> NDArray[np.floating]:
        """Return how close rows are to each landmark, from 0 to 1, shape (n_samples, n_landmarks)."""
        rows = self.rows.astype(X.dtype)
        own = (X * X).sum(axis=1) if isinstance(X, np.ndarray) else np.asarray(X.multiply(X).sum(axis=1)).ravel()
        distances = np.asarray(X @ rows.T)
        distances *= -2
        distances += own.astype(X.dtype)[:, None]
        distances += (rows * rows).sum(axis=1)
        np.maximum(distances, 0, out=distances)
        distances *= -self.decay
        closeness: NDArray[np.floating] = np.exp(distances, out=distances)
        return closeness

    def basis(self) -> NDArray[np.float64]:
        """Return what closeness is multiplied by to become features that a penalty treats alike.

        Returns
        -------
        ndarray of shape (n_landmarks, n_components)
            The squares of a row's features sum to about the number of landmarks.

        References
        ----------
        Williams, Seeger (2000), Using the Nystroem method to speed up kernel machines, NIPS 13.
        """
        shares, directions = np.linalg.eigh(self.apply(self.rows.astype(np.float64)))
        told = shares > _LEAST_SHARE * shares[-1]
        return np.asarray(directions[:, told] * np.sqrt(len(self.rows) / shares[told]))

    def sizes(self, coefficients: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each feature moves the outputs: its slope at a landmark, by size, times its own spread.

        Parameters
        ----------
        coefficients : ndarray of shape (n_outputs, n_landmarks)
        spread : ndarray of shape (n_landmarks,)
            Of closeness, which says nothing of features.

        Returns
        -------
        ndarray of shape (n_features,)
        """
        del spread
        rows = self.rows.astype(np.float64)
        closeness = self.apply(rows)
        slopes = np.zeros(rows.shape[1])
        for weights in coefficients:
            pull = rows * (closeness @ weights)[:, None] - closeness @ (rows * weights[:, None])
            slopes += np.abs(2 * self.decay * pull).mean(axis=0)
        return np.asarray(slopes / len(coefficients) * rows.std(axis=0))

    def arrays(self) -> dict[str, Any]:
        """Return what they are made of, by name."""
        return {"landmarks": self.rows, "decay": np.float64(self.decay)}


def place_landmarks(X: Any, *, n_landmarks: int, reach: float, seed: tuple[int, int]) -> Landmarks:
    """Return rows drawn at random, half of them at most.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
        The rows that are learnt from, at least one.
    reach : float
        Distance, in typical distances between two rows, at which closeness has fallen to ``1 / e``.
    """
    n_rows = X.shape[0]
    chosen = np.random.default_rng(seed).choice(n_rows, size=min(n_landmarks, max(n_rows // 2, 1)), replace=False)
    some = X[np.sort(chosen)]
    rows = np.asarray(some if isinstance(some, np.ndarray) else some.toarray(), dtype=np.float32)
    # The mean squared distance between two of them is twice the sum of variances.
    typical = 2.0 * float(rows.var(axis=0, dtype=np.float64).sum())
    return Landmarks(rows=rows, decay=1.0 / (reach**2 * typical) if typical > 0 else 1.0)
