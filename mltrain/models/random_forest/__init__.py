"""Random forest and extremely randomised trees, grown tree by tree under a deadline on the ordinal view.

Trees are scikit-learn's; the forest is grown here, so that a fit ends within one tree of its deadline, gives the same
result for any number of threads, and is stored without pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltrain.models import Fitted, Fold, Limits, Objective, Proba, Shape, View, ViewKind
from mltrain.models.framing import frame, unframe
from mltrain.models.parameters import settle_parameters
from mltrain.models.random_forest.forest import Forest, dump_forest, load_forest, predict_forest, predict_trees
from mltrain.models.random_forest.growing import Recipe, grow, make_recipe
from mltrain.models.random_forest.space import DEFAULTS, KNOWN, first_trials, search_space
from mltrain.models.random_forest.work import forecast_work
from mltrain.models.rounds import RoundWatch, Stop, log_loss, normalise
from mltrain.models.rows import FoldRows, Prepared, fold_rows, prepare_rows
from mltrain.space import Params, Space

_LOOK_EVERY = 8


class RandomForest:
    """Average of deep, randomised trees.

    References
    ----------
    Breiman (2001), Random Forests, doi:10.1023/A:1010933404324.
    Geurts, Ernst, Wehenkel (2006), Extremely randomized trees, doi:10.1007/s10994-006-6226-1.
    """

    name = "random_forest"
    view: ViewKind = "ordinal"
    tree_us = 100.0
    is_additive = True
    simplicity = 1
    libraries = ("sklearn", "numpy")
    defaults = DEFAULTS
    parameters = KNOWN

    def space(self, shape: Shape) -> Space:
        """Return the default search space for data of this shape."""
        return search_space(shape)

    def first_trials(self, shape: Shape) -> Sequence[Params]:
        """Return complete trials, the cheapest first."""
        return first_trials(shape)

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

        A fit copies its fold's rows unless they stand together; a thread then takes 4 bytes a cell of at most 1,500,000
        cells, and a forest at most 400 MB for its nodes.
        """
        del threads, first
        return prepare_rows(view, y, weights=weights, folds=folds, objective=objective)

    def fit(self, prepared: Prepared, fold: int, *, params: Params, limits: Limits) -> Fitted:
        """Grow trees until there are enough, the deadline or `limits.on_round` says so.

        Raises
        ------
        ValueError
            A parameter is unknown or out of range.
        """
        settled = settle_parameters(self.name, params, known=KNOWN, synonyms={})
        rows = fold_rows(prepared, fold)
        recipe = make_recipe(settled, rows, n_classes=prepared.objective.n_classes, limits=limits)
        watch = RoundWatch(limits=limits, n_samples=rows.y.size, stops_early=False)
        growth = _Growth(rows, recipe, watch)
        stopped = grow(recipe, rows, limits=limits, on_trees=growth.add)
        forest = growth.forest()
        curve = watch.curve()
        return Fitted(
            model=forest,
            n_rounds=len(forest.trees),
            valid_proba=growth.valid_proba(),
            valid_losses=curve.valid_losses,
            loss_rounds=curve.rounds,
            stopped=stopped or "done",
            notes=recipe.notes,
        )

    def predict_proba(self, model: Forest, X: Any, *, threads: int = 1) -> Proba:
        """Return probabilities of shape (n_samples, n_classes)."""
        return predict_forest(model, X, threads=threads)

    def importances(self, model: Forest, n_features: int) -> NDArray[np.float64]:
        """Return the mean decrease in impurity of each feature."""
        assert model.importances.size == n_features
        return model.importances

    def dump(self, model: Forest) -> bytes:
        """Return the nodes of all trees in NumPy's own format, without pickle, framed."""
        return frame(self.name, dump_forest(model))

    def load(self, data: bytes) -> Forest:
        """Rebuild a forest from its nodes.

        Raises
        ------
        ValueError
            The bytes are not a forest, or its trees are not well formed.
        """
        return load_forest(unframe(self.name, data))


class _Growth:
    """Collects trees and keeps the running validation loss."""

    def __init__(self, rows: FoldRows, recipe: Recipe, watch: RoundWatch) -> None:
        self._rows, self._recipe, self._watch = rows, recipe, watch
        self._trees: list[Any] = []
        self._total = np.zeros((rows.y_valid.size, recipe.n_classes))

    def add(self, trees: Sequence[Any]) -> Stop | None:
        """Take new trees and return the reason to stop after them, if any."""
        self._trees.extend(trees)
        valid_loss = None
        if self._rows.y_valid.size:
            self._total += predict_trees(trees, self._rows.X_valid, n_classes=self._recipe.n_classes)
            if len(self._trees) % _LOOK_EVERY and len(self._trees) < self._recipe.n_trees:
                return None
            valid_loss = log_loss(self._rows.y_valid, self.valid_proba())
        return self._watch.see(len(self._trees), train_loss=None, valid_loss=valid_loss)

    def valid_proba(self) -> Proba:
        """Return what the forest of the trees so far predicts for the validation rows."""
        return normalise(self._total + self._recipe.prior, n_classes=self._recipe.n_classes)

    def forest(self) -> Forest:
        """Return the forest of the trees so far."""
        importances = np.mean([tree.compute_feature_importances() for tree in self._trees], axis=0)
        total = importances.sum()
        return Forest(
            trees=tuple(self._trees),
            prior=self._recipe.prior,
            importances=importances / total if total > 0 else importances,
        )


FAMILY = RandomForest()
