"""Grow single trees of a forest, several at once, each a function of the seed and its number alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from mltrain.models import Limits, Shape
from mltrain.models.parameters import number_or, take_choice, take_number
from mltrain.models.random_forest.building import PlainRule, build_tree, plain_rule
from mltrain.models.random_forest.forest import with_all_classes
from mltrain.models.random_forest.sizing import size_forest
from mltrain.models.rounds import Stop
from mltrain.models.rows import FoldRows
from mltrain.space import Scalar

OnTrees: TypeAlias = Callable[[Sequence[Any]], Stop | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How the trees of one forest are grown.

    Attributes
    ----------
    tree : dict
        Parameters of scikit-learn's estimator.
    rule : PlainRule, optional
        The same for its builder, where they are plain.
    n_rows : int
        Rows drawn for each tree, with replacement when ``bootstrap``.
    prior : ndarray of shape (n_classes,)
        Class shares in training with one row added to each class; counts as one more tree, so that no class of the
        target is ever impossible.
    """

    tree: dict[str, Scalar]
    rule: PlainRule | None
    is_extra: bool
    bootstrap: bool
    n_trees: int
    n_rows: int
    n_classes: int
    prior: NDArray[np.float64]
    seed: int
    notes: tuple[str, ...]


def make_recipe(settled: dict[str, Scalar], rows: FoldRows, *, n_classes: int, limits: Limits) -> Recipe:
    """Return the recipe for these rows.

    Raises
    ------
    ValueError
        A parameter is out of range.
    """
    settled = dict(settled)
    is_extra = bool(take_choice(settled, "extra_trees", default=False, options=(True, False)))
    bootstrap = bool(take_choice(settled, "bootstrap", default=True, options=(True, False)))
    share = take_number(settled, "max_samples", default=1.0, low=1e-9, high=1.0)
    n_samples, n_features = rows.X.shape
    shape = Shape(n_samples=n_samples, n_features=n_features, n_classes=n_classes)
    size = size_forest(shape, share=share, leaf_rows=number_or(settled, "min_samples_leaf", 1))
    n_rows = size.n_rows
    notes = (f"each tree saw {n_rows} of {n_samples} rows",) if n_rows < round(share * n_samples) else ()
    n_trees = int(take_number(settled, "n_estimators", default=size.n_trees, low=1))
    counts = np.bincount(rows.y, weights=rows.weights, minlength=n_classes) + 1.0
    tree = {"max_features": "sqrt", **settled}
    return Recipe(
        tree=tree,
        rule=plain_rule(tree, n_features),
        is_extra=is_extra,
        bootstrap=bootstrap,
        n_trees=min(n_trees, limits.max_rounds or n_trees),
        n_rows=n_rows,
        n_classes=n_classes,
        prior=counts / counts.sum(),
        seed=limits.seed,
        notes=notes,
    )


def grow(recipe: Recipe, rows: FoldRows, *, limits: Limits, on_trees: OnTrees) -> Stop | None:
    """Grow trees in order, at least one, and return the reason for stopping before the last.

    Raises
    ------
    ValueError
        scikit-learn refuses a parameter.
    """
    slowest = 0.0
    with ThreadPoolExecutor(max_workers=limits.threads) as pool:
        each = pool.map if limits.threads > 1 else map
        for start in range(0, recipe.n_trees, limits.threads):
            # A tree cannot be interrupted, so none is begun that would end late.
            if start and limits.deadline is not None and time.monotonic() + slowest > limits.deadline:
                return "deadline"
            numbers = range(start, min(start + limits.threads, recipe.n_trees))
            began = time.monotonic()
            for tree in list(each(lambda number: _grow_one(recipe, rows, number=number), numbers)):
                stop = on_trees([tree])
                if stop is not None and stop != "deadline":
                    return stop
            slowest = max(slowest, time.monotonic() - began)
            if limits.is_over and numbers.stop < recipe.n_trees:
                return "deadline"
    return None


def _grow_one(recipe: Recipe, rows: FoldRows, *, number: int) -> Any:
    """Return one tree of scikit-learn with a column for every class."""
    rng = np.random.default_rng([recipe.seed, number])
    chosen, counts = _draw(rng, n_samples=rows.y.size, recipe=recipe)
    X = rows.X if chosen is None else rows.X[chosen]
    y = rows.y if chosen is None else rows.y[chosen]
    weights = rows.weights if chosen is None or rows.weights is None else rows.weights[chosen]
    if counts is not None:
        weights = counts if weights is None else weights * counts
    random_state = np.random.RandomState(rng.bit_generator)
    if recipe.rule is None:
        return _grow_by_estimator(recipe, X, y, weights=weights, random_state=random_state)
    tree = build_tree(
        recipe.rule,
        X,
        y,
        weights=weights,
        n_classes=recipe.n_classes,
        is_extra=recipe.is_extra,
        random_state=random_state,
    )
    return with_all_classes(tree, np.arange(recipe.n_classes), n_classes=recipe.n_classes)


def _grow_by_estimator(
    recipe: Recipe,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
) -> Any:
    kind = ExtraTreeClassifier if recipe.is_extra else DecisionTreeClassifier
    estimator = kind(random_state=random_state, **recipe.tree)
    # scikit-learn checks parameters here, but would check the same matrix again for each tree.
    estimator.fit(X, y, sample_weight=weights, check_input=False)
    return with_all_classes(estimator.tree_, estimator.classes_, n_classes=recipe.n_classes)


def _draw(
    rng: np.random.Generator, *, n_samples: int, recipe: Recipe
) -> tuple[NDArray[np.intp] | None, NDArray[np.float64] | None]:
    """Return the rows of one tree and how often each was drawn; None for all of them, once each."""
    if recipe.bootstrap:
        times = np.bincount(rng.integers(n_samples, size=recipe.n_rows), minlength=n_samples)
        chosen = np.flatnonzero(times)
        return chosen, times[chosen].astype(np.float64)
    if recipe.n_rows >= n_samples:
        return None, None
    return np.sort(rng.choice(n_samples, size=recipe.n_rows, replace=False)), None
