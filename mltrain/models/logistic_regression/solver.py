"""Penalised log loss of a linear model, minimised by L-BFGS-B with a look at every iteration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax

from mltrain.models import Proba

Vector: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Penalty:
    """``strength * (l1_ratio * |w|_1 + (1 - l1_ratio) / 2 * |w|_2^2)``, added to the sum of losses."""

    strength: float
    l1_ratio: float
    tolerance: float = 1e-4
    has_intercept: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Linear:
    """A linear classifier.

    Attributes
    ----------
    coefficients : ndarray of shape (n_outputs, n_features)
        One output for two seen classes (the log odds of the second), else one per seen class.
    intercepts : ndarray of shape (n_outputs,)
    classes : ndarray of int
        The codes that training saw, ascending.
    spread : ndarray of shape (n_features,)
        Standard deviation of each feature in training.
    """

    coefficients: Vector
    intercepts: Vector
    classes: NDArray[np.int64]
    spread: Vector
    n_classes: int

    def proba(self, X: Any) -> Proba:
        """Return probabilities of shape (n_samples, number of seen classes)."""
        scores = _scores(X, self.coefficients, self.intercepts)
        if self.classes.size == 2:
            positive = expit(scores[:, 0].astype(np.float64))
            return np.column_stack([1 - positive, positive])
        return np.asarray(softmax(scores.astype(np.float64), axis=1))

    def check(self) -> None:
        """Raise ValueError when the arrays do not belong together."""
        n_outputs = 1 if self.classes.size == 2 else self.classes.size
        shapes = (self.coefficients.shape, self.intercepts.shape)
        if shapes != ((n_outputs, self.spread.size), (n_outputs,)):
            raise ValueError(f"not a logistic regression: shapes {shapes} with {self.classes.size} classes")
        if self.classes.min(initial=0) < 0 or self.classes.max(initial=0) >= self.n_classes:
            raise ValueError(f"not a logistic regression: class codes beyond {self.n_classes}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Training rows with codes among the seen classes; ``weights`` have a mean of 1, ``X_T`` is ``X`` transposed."""

    X: Any
    X_T: Any
    y: NDArray[np.int64]
    weights: NDArray[np.floating]
    total_weight: float
    classes: NDArray[np.int64]
    n_classes: int

    @classmethod
    def of(cls, X: Any, y: NDArray[np.int64], *, weights: Vector | None, n_classes: int) -> Problem:
        """Return the problem for these rows."""
        classes, codes = np.unique(y, return_inverse=True)
        own = np.ones(y.size) if weights is None else np.asarray(weights, dtype=np.float64)
        total = float(own.sum())
        scaled = (own * (y.size / total)).astype(X.dtype)
        return cls(X=X, X_T=X.T, y=codes, weights=scaled, total_weight=total, classes=classes, n_classes=n_classes)

    @property
    def n_outputs(self) -> int:
        """Number of linear functions to be learnt."""
        return 1 if self.classes.size == 2 else int(self.classes.size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """Where the solver ended, after how many iterations, and whether it was told to stop."""

    model: Linear
    n_iterations: int
    is_stopped: bool


OnIteration: TypeAlias = Callable[[int, Linear, float], bool]


def solve(problem: Problem, penalty: Penalty, *, max_iterations: int, on_iteration: OnIteration) -> Solution:
    """Minimise the penalised loss.

    Parameters
    ----------
    on_iteration : callable
        Called with the iteration (from 1), the model and its mean training loss; True stops.

    Notes
    -----
    The L1 part makes the loss smooth by writing each weight as a difference of two non-negative ones (Schmidt, Fung,
    Rosales 2007, doi:10.1007/978-3-540-74958-5_28).
    """
    spread = _spread(problem.X)
    if problem.classes.size == 1:
        flat = np.zeros(problem.X.shape[1] + 1)
        return Solution(model=_model(problem, flat, spread), n_iterations=1, is_stopped=False)
    n_weights = problem.n_outputs * problem.X.shape[1]
    n_plain = n_weights + problem.n_outputs
    is_split = penalty.l1_ratio > 0
    count, is_stopped = 0, False
    latest = [0.0]

    def loss(flat: Vector) -> tuple[float, Vector]:
        value, latest[0], gradient = _penalised(problem, penalty, flat, n_weights=n_weights)
        return value, gradient

    def look(flat: Vector) -> None:
        nonlocal count, is_stopped
        count += 1
        plain = _joined(flat, n_weights) if is_split else flat
        if on_iteration(count, _model(problem, plain, spread), latest[0]):
            is_stopped = True
            raise StopIteration

    start = np.zeros(n_plain + n_weights if is_split else n_plain)
    # The stubs of SciPy know no callable that returns value and gradient together with jac=True.
    lowest: Any = minimize
    found = lowest(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=_bounds(start.size, n_weights, penalty=penalty, n_outputs=problem.n_outputs),
        callback=look,
        options={
            "maxiter": max_iterations,
            # Only iterations count: a number of evaluations could end a fit sooner that is made again from its own.
            "maxfun": np.inf,
            "gtol": penalty.tolerance,
            "ftol": penalty.tolerance / 1000,
        },
    )
    plain = _joined(found.x, n_weights) if is_split else found.x
    return Solution(model=_model(problem, plain, spread), n_iterations=count, is_stopped=is_stopped)


def _bounds(size: int, n_weights: int, *, penalty: Penalty, n_outputs: int) -> Any:
    """Return (lowest, highest) of each variable; None where nothing is bounded."""
    if penalty.l1_ratio == 0 and penalty.has_intercept:
        return None
    weights: tuple[float | None, float | None] = (0.0, None) if penalty.l1_ratio > 0 else (None, None)
    intercept: tuple[float | None, float | None] = (None, None) if penalty.has_intercept else (0.0, 0.0)
    bounds = [weights] * n_weights + [intercept] * n_outputs
    return bounds + [weights] * (size - len(bounds))


def _joined(flat: Vector, n_weights: int) -> Vector:
    """Return weights and intercepts of a split vector: (positive parts, intercepts, negative parts)."""
    plain = flat[: flat.size - n_weights].copy()
    plain[:n_weights] -= flat[flat.size - n_weights :]
    return plain


def _penalised(problem: Problem, penalty: Penalty, flat: Vector, *, n_weights: int) -> tuple[float, float, Vector]:
    """Return the penalised loss, the plain loss and the gradient of the first."""
    is_split = penalty.l1_ratio > 0
    plain = _joined(flat, n_weights) if is_split else flat
    loss, gradient = _loss(problem, plain)
    weights = plain[:n_weights]
    scale = penalty.strength / problem.total_weight
    ridge = scale * (1 - penalty.l1_ratio)
    value = loss + 0.5 * ridge * float(weights @ weights)
    gradient[:n_weights] += ridge * weights
    if not is_split:
        return value, loss, gradient
    lasso = scale * penalty.l1_ratio
    negative = lasso - gradient[:n_weights]
    gradient[:n_weights] += lasso
    size = float(flat[:n_weights].sum() + flat[flat.size - n_weights :].sum())
    return value + lasso * size, loss, np.concatenate([gradient, negative])


def _loss(problem: Problem, plain: Vector) -> tuple[float, Vector]:
    """Return the weighted mean log loss and its gradient over weights and intercepts."""
    n_weights = plain.size - problem.n_outputs
    coefficients = plain[:n_weights].reshape(problem.n_outputs, -1)
    scores = _scores(problem.X, coefficients, plain[n_weights:])
    losses, residual = _binary(problem.y, scores) if problem.n_outputs == 1 else _multinomial(problem.y, scores)
    residual *= problem.weights[:, None]
    slope = np.asarray(problem.X_T @ residual, dtype=np.float64).T / problem.y.size
    intercept = residual.sum(axis=0, dtype=np.float64) / problem.y.size
    mean = float(np.multiply(losses, problem.weights, dtype=np.float64).mean())
    return mean, np.concatenate([slope.ravel(), intercept])


def _binary(y: NDArray[np.int64], scores: Any) -> tuple[Any, Any]:
    """Return each row's loss and the derivative by its score, shapes (n,) and (n, 1)."""
    margin = scores[:, 0]
    codes = y.astype(margin.dtype)
    tail = np.exp(-np.abs(margin))
    losses = np.maximum(margin * (1 - 2 * codes), 0) + np.log1p(tail)
    positive = np.where(margin >= 0, 1, tail) / (1 + tail)
    return losses, (positive - codes)[:, None]


def _multinomial(y: NDArray[np.int64], scores: Any) -> tuple[Any, Any]:
    """Return each row's loss and the derivatives by its scores, shapes (n,) and (n, k); overwrites the scores."""
    rows = np.arange(y.size)
    scores -= scores.max(axis=1, keepdims=True)
    own = scores[rows, y].copy()
    np.exp(scores, out=scores)
    total = scores.sum(axis=1)
    scores /= total[:, None]
    scores[rows, y] -= 1
    return np.log(total) - own, scores


def _scores(X: Any, coefficients: Vector, intercepts: Vector) -> Any:
    """Return the linear functions, shape (n_samples, n_outputs), in the precision of ``X``."""
    return np.asarray(X @ coefficients.T.astype(X.dtype)) + intercepts.astype(X.dtype)


def _model(problem: Problem, plain: Vector, spread: Vector) -> Linear:
    n_weights = plain.size - problem.n_outputs
    return Linear(
        coefficients=plain[:n_weights].reshape(problem.n_outputs, -1).copy(),
        intercepts=plain[n_weights:].copy(),
        classes=problem.classes,
        spread=spread,
        n_classes=problem.n_classes,
    )


def _spread(X: Any) -> Vector:
    if isinstance(X, np.ndarray):
        return np.asarray(X.std(axis=0, dtype=np.float64))
    mean = np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
    squared = csr_matrix((X.data**2, X.indices, X.indptr), shape=X.shape, copy=False)
    square = np.asarray(squared.mean(axis=0), dtype=np.float64).ravel()
    return np.sqrt(np.maximum(square - mean**2, 0.0))
