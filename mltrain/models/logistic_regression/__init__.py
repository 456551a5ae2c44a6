"""Logistic regression with L2, L1 or elastic-net penalty, by L-BFGS on the one-hot view: straight, bent, by landmarks.

The solver is SciPy's, driven from here, so that a fit ends within one iteration of its deadline and gives the same
result on every supported scikit-learn, whose spelling of penalties changes between versions.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mltrain.models import Fitted, Fold, Limits, Objective, Proba, Shape, View, ViewKind
from mltrain.models.framing import frame, unframe
from mltrain.models.logistic_regression.bends import Bends, place_bends
from mltrain.models.logistic_regression.landmarks import Landmarks, place_landmarks
from mltrain.models.logistic_regression.sizing import most_rows, rows_at_most
from mltrain.models.logistic_regression.solver import Linear, Penalty, Problem, solve
from mltrain.models.logistic_regression.space import (
    DEFAULTS,
    KNOWN,
    MOST_KNOTS,
    MOST_LANDMARKS,
    PENALTIES,
    first_trials,
    search_space,
)
from mltrain.models.logistic_regression.work import MOST_ITERATIONS, forecast_work
from mltrain.models.parameters import number_or, settle_parameters, take_choice, take_number
from mltrain.models.rounds import RoundWatch, log_loss, normalise
from mltrain.models.rows import FoldRows, Prepared, fold_rows, prepare_rows
from mltrain.space import Params, Scalar, Space

_LOOK_EVERY = 5
# Rows that are predicted at once: mapped, each takes a cell for each landmark.
_BLOCK = 20_000
_MOST_WATCHED = 50_000
# For 1,000 rows and a landmark on one core of an AMD EPYC, 2026-11-27, 400 landmarks and 5 to 1,000 columns: what the
# exponential of distances and its sum take, and what a column adds.
_CLOSENESS_US = 16.0
_DISTANCE_US = 0.07


FeatureMap: TypeAlias = Bends | Landmarks


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mapped:
    """A linear classifier of what a feature map makes of a row."""

    linear: Linear
    features: FeatureMap

    @property
    def n_features(self) -> int:
        """Number of features before the map."""
        return self.features.n_features_of(self.linear.spread.size)

    def check(self) -> None:
        """Raise ValueError when the arrays do not belong together."""
        self.linear.check()
        self.features.check(self.linear.spread.size)


class LogisticRegression:
    """Multinomial logistic regression; for two classes one log odds.

    Where ``n_knots`` is above 0, the score is piecewise linear in each number: an additive model that is learnt in a
    tenth of the time of trees and errs elsewhere than they do. Where ``n_landmarks`` is above 0, it is linear in how
    close a row is to so many others, and ``n_knots`` counts for nothing: kernel logistic regression.

    References
    ----------
    Zhu, Byrd, Lu, Nocedal (1997), Algorithm 778: L-BFGS-B, doi:10.1145/279232.279236.
    """

    name = "logistic_regression"
    view: ViewKind = "one_hot"
    simplicity = 0
    libraries = ("scipy", "numpy")
    uses_threads = False
    uses_seed = False
    # An iteration is no tree: however many there were, a row is multiplied by one coefficient a feature or landmark.
    tree_us = 1.0
    defaults = DEFAULTS
    parameters = KNOWN

    def space(self, shape: Shape) -> Space:
        """Return the default search space for data of this shape."""
        return search_space(shape)

    def first_trials(self, shape: Shape) -> Sequence[Params]:
        """Return what to try first: a cheap straight model, then landmarks, then bends."""
        return first_trials(shape)

    def variant(self, params: Params) -> str:
        """Return how rows are described: by their numbers, or by how close they are to landmarks."""
        return "landmarks" if number_or(params, "n_landmarks", 0) > 0 else "numbers"

    def model_us(self, params: Params, n_features: int) -> float:
        """Return the microseconds of one core that it takes to measure 1,000 rows by the landmarks."""
        n_landmarks = max(number_or(params, "n_landmarks", 0), 0)
        return n_landmarks * (_CLOSENESS_US + _DISTANCE_US * n_features)

    def work(self, params: Params, shape: Shape) -> float:
        """Return the forecast work of one fit, in about seconds of one core."""
        return forecast_work(params, shape)

    def prepare(
        self,
        view: View,
        y: NDArray[np.int64],
        *,
        weights: NDArray[np.float64] | None,
        folds: Sequence[Fold],
        objective: Objective,
        threads: int = 1,
        first: Params | None = None,
    ) -> Prepared:
        """Hold the rows; a GPU is not used.

        A fit takes 8 bytes a filled cell when the view is sparse or its rows are sampled, about 40 bytes a row and
        class, 4 bytes a row and bend, and 8 bytes a row and landmark; its cells are 24,000,000 at most, or those of
        50,000 rows where these have more, but 96,000,000 in any case. It copies its fold's rows unless they stand
        together and nothing is mapped.
        """
        del threads, first
        return prepare_rows(view, y, weights=weights, folds=folds, objective=objective)

    def fit(self, prepared: Prepared, fold: int, *, params: Params, limits: Limits) -> Fitted:
        """Iterate until convergence, ``max_iter``, the deadline or `limits.on_round` says so.

        Raises
        ------
        ValueError
            A parameter is unknown or out of range.
        """
        settled = settle_parameters(self.name, params, known=KNOWN, synonyms={})
        cap = int(take_number(settled, "max_iter", default=MOST_ITERATIONS, low=1))
        penalty = _penalty(settled)
        n_classes = prepared.objective.n_classes
        n_samples = prepared.folds[fold].train.size
        rows, features = _mapped_rows(prepared, fold, settled)
        X, basis = features.apply(rows.X), features.basis()
        # Mapped rows are many times as wide: to draw the curve and to prune, some of those to validate tell enough.
        most_watched = min(_MOST_WATCHED, rows_at_most(X.size / max(X.shape[0], 1), n_classes=n_classes))
        step = max(1, -(-rows.y_valid.size // most_watched))
        y_watched, X_watched = rows.y_valid[::step], features.apply(rows.X_valid[::step])
        if basis is not None:
            spread = np.asarray(X.std(axis=0, dtype=np.float64))
            X, X_watched = X @ basis.astype(X.dtype), X_watched @ basis.astype(X.dtype)
        problem = Problem.of(X, rows.y, weights=rows.weights, n_classes=n_classes)
        watch = RoundWatch(limits=limits, n_samples=rows.y.size, stops_early=False)

        def see(iteration: int, model: Linear, loss: float) -> bool:
            if iteration > 1 and iteration % _LOOK_EVERY:
                return limits.is_over
            valid_loss = None
            if y_watched.size:
                valid_loss = log_loss(y_watched, _proba(model, X_watched))
            return watch.see(iteration, train_loss=loss, valid_loss=valid_loss) is not None

        solution = solve(problem, penalty, max_iterations=min(cap, limits.max_rounds or cap), on_iteration=see)
        curve = watch.curve()
        model = Mapped(linear=solution.model, features=features)
        if basis is not None:
            coefficients = solution.model.coefficients @ basis.T
            model = replace(model, linear=replace(solution.model, coefficients=coefficients, spread=spread))
        at_hand = basis is None and step == 1
        valid_proba = _proba(solution.model, X_watched) if at_hand else self.predict_proba(model, rows.X_valid)
        return Fitted(
            model=model,
            n_rounds=max(solution.n_iterations, 1),
            valid_proba=valid_proba,
            train_losses=curve.train_losses,
            valid_losses=curve.valid_losses,
            loss_rounds=curve.rounds,
            notes=(f"learnt from {rows.y.size} of {n_samples} rows",) if rows.y.size < n_samples else (),
            stopped="done" if not solution.is_stopped else "deadline" if limits.is_over else "pruned",
        )

    def predict_proba(self, model: Mapped, X: Any, *, threads: int = 1) -> Proba:
        """Return probabilities of shape (n_samples, n_classes)."""
        del threads
        features = model.features
        blocks = (X[start : start + _BLOCK] for start in range(0, max(X.shape[0], 1), _BLOCK))
        if features.is_delicate:
            blocks = (block.astype(np.float64) for block in blocks)
        return np.concatenate([_proba(model.linear, features.apply(block)) for block in blocks])

    def importances(self, model: Mapped, n_features: int) -> NDArray[np.float64]:
        """Return the share of the absolute coefficients, each times its feature's spread in training.

        Those of its bends are a feature's own; by landmarks a feature has no coefficient, but slopes at each of them.
        """
        assert model.n_features == n_features
        size = model.features.sizes(model.linear.coefficients, model.linear.spread)
        return np.asarray(size / size.sum() if size.sum() > 0 else size)

    def dump(self, model: Mapped) -> bytes:
        """Return the arrays in NumPy's own format, without pickle, framed."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            coefficients=model.linear.coefficients,
            intercepts=model.linear.intercepts,
            classes=model.linear.classes,
            spread=model.linear.spread,
            n_classes=np.int64(model.linear.n_classes),
            **model.features.arrays(),
        )
        return frame(self.name, buffer.getvalue())

    def load(self, data: bytes) -> Mapped:
        """Rebuild a model from its arrays.

        Raises
        ------
        ValueError
            The bytes are not a logistic regression.
        """
        payload = unframe(self.name, data)
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                linear = Linear(
                    coefficients=arrays["coefficients"],
                    intercepts=arrays["intercepts"],
                    classes=arrays["classes"],
                    spread=arrays["spread"],
                    n_classes=int(arrays["n_classes"]),
                )
                model = Mapped(linear=linear, features=_feature_map(arrays))
        except (KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"not a logistic regression: {error}") from error
        model.check()
        return model


def _mapped_rows(prepared: Prepared, fold: int, settled: dict[str, Scalar]) -> tuple[FoldRows, FeatureMap]:
    """Return the rows of a fold and their feature map; a row that becomes more cells leaves room for fewer rows."""
    n_classes = prepared.objective.n_classes
    rows = fold_rows(prepared, fold, most_rows=most_rows(prepared.view, n_classes=n_classes))
    n_landmarks, reach = _n_landmarks(settled), take_number(settled, "reach", default=1.0, low=1e-3, high=1e3)
    features: FeatureMap
    if n_landmarks:
        seed = (prepared.objective.seed, fold)
        features = place_landmarks(rows.X, n_landmarks=n_landmarks, reach=reach, seed=seed)
        fewer = rows_at_most(len(features.rows), n_classes=n_classes)
    else:
        features = place_bends(rows.X, n_knots=_n_knots(settled))
        fewer = most_rows(prepared.view, n_classes=n_classes, n_bends=features.n_bends)
    return fold_rows(prepared, fold, most_rows=fewer) if fewer < rows.y.size else rows, features


def _feature_map(arrays: Any) -> FeatureMap:
    """Return the feature map that is made of these arrays."""
    if "landmarks" in arrays:
        return Landmarks(rows=arrays["landmarks"], decay=float(arrays["decay"]))
    return Bends(columns=arrays["bend_columns"], knots=arrays["bend_knots"])


def _proba(model: Linear, X: Any) -> Proba:
    """Return probabilities for rows that are mapped already."""
    return normalise(model.proba(X), n_classes=model.n_classes, classes=model.classes.tolist())


def _n_knots(settled: dict[str, Scalar]) -> int:
    return int(take_number(settled, "n_knots", default=0, low=0, high=MOST_KNOTS))


def _n_landmarks(settled: dict[str, Scalar]) -> int:
    return int(take_number(settled, "n_landmarks", default=0, low=0, high=MOST_LANDMARKS))


def _penalty(settled: dict[str, Scalar]) -> Penalty:
    strength = take_number(settled, "C", default=1.0, low=1e-12)
    kind = take_choice(settled, "penalty", default="l2", options=PENALTIES)
    ratio = take_number(settled, "l1_ratio", default=0.5, low=0.0, high=1.0)
    return Penalty(
        strength=1.0 / strength,
        l1_ratio={"l2": 0.0, "l1": 1.0}.get(str(kind), ratio),
        tolerance=take_number(settled, "tol", default=1e-4, low=0.0),
        has_intercept=bool(take_choice(settled, "fit_intercept", default=True, options=(True, False))),
    )


FAMILY = LogisticRegression()
