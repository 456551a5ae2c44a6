"""CatBoost: symmetric trees on pools that are quantized once per fold; the extra ``catboost``.

It knows nothing of other families. A fit runs on one thread whatever it is allowed: on more than 10,000 training rows
the library's models depend on the number of threads, at any setting (by up to 0.17 in a probability of 12,000 rows).
Pools and predictions do not, and take what they may. Two fits at once share nothing but the pools that they read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from catboost import CatBoost as Booster
from catboost import CatBoostError
from numpy.typing import NDArray
from scipy.special import expit, softmax

from mltrain.models import Fitted, Fold, Limits, Objective, Proba, Shape, View, ViewKind
from mltrain.models.boosting import MOST_ROUNDS, round_cap
from mltrain.models.catboost.binary import booster_of, bytes_of, class_codes, seal
from mltrain.models.catboost.data import (
    QUANTIZING,
    FoldPools,
    Pools,
    fold_pools,
    make_pool,
    prepare_pools,
    quantizing_of,
)
from mltrain.models.catboost.loop import Boosted, boost, look_every
from mltrain.models.catboost.space import DEFAULTS, KNOWN, SYNONYMS, first_trials, search_space
from mltrain.models.catboost.work import forecast_work
from mltrain.models.framing import frame, unframe
from mltrain.models.parameters import names_of, own_names, settle_parameters, take_number
from mltrain.models.rounds import RoundWatch, normalise
from mltrain.space import Params, Scalar, Space

# Newton steps, or steps along the gradient, for each leaf, of two classes and of more.
_LEAF_STEPS = {"Newton": (10, 1), "Gradient": (40, 10)}


class CatBoost:
    """Gradient boosting of symmetric trees with native categories and missing values.

    References
    ----------
    Prokhorenkova et al. (2018), CatBoost: unbiased boosting with categorical features, NeurIPS 31.
    """

    name = "catboost"
    view: ViewKind = "native"
    tree_us = 15.0
    uses_threads = False
    is_additive = True
    simplicity = 3
    libraries = ("catboost",)
    defaults = DEFAULTS
    parameters = KNOWN | frozenset(SYNONYMS)
    synonyms = SYNONYMS
    binning = names_of(QUANTIZING, SYNONYMS)

    def space(self, shape: Shape) -> Space:
        """Return the default search space for data of this shape."""
        return search_space(shape)

    def first_trials(self, shape: Shape) -> Sequence[Params]:
        """Return the parameters to try first, cheapest-promising first."""
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
    ) -> Pools:
        """Quantize the first fold; the others follow when they are needed.

        A number takes 5 bytes, 4 of them the number itself, a category 9; a fit takes about 200 bytes a row besides.

        Raises
        ------
        mltrain.errors.EnvironmentRefusal
            A GPU is asked for and this machine has none.
        """
        asked = own_names(first or {}, SYNONYMS)
        return prepare_pools(view, y, weights=weights, folds=folds, objective=objective, threads=threads, first=asked)

    def fit(self, prepared: Pools, fold: int, *, params: Params, limits: Limits) -> Fitted:
        """Boost until early stopping, the deadline or `limits.on_round` says so.

        Raises
        ------
        ValueError
            A parameter is unknown or refused by the library, or the rows hold nothing to learn from.
        """
        settled = settle_parameters(self.name, params, known=KNOWN, synonyms=SYNONYMS)
        cap = int(take_number(settled, "iterations", default=MOST_ROUNDS, low=1))
        n_classes = prepared.objective.n_classes
        most_rounds = partial(
            round_cap, settled, prepared.view.X, n_classes=n_classes, cap=cap, own_cap=MOST_ROUNDS, learning_rate=0.05
        )
        n_rounds, n_alone = most_rounds(limits=limits), most_rounds(limits=replace(limits, max_rounds=None))
        quantizing = quantizing_of(settled, prepared.objective)
        settled = {name: value for name, value in settled.items() if name not in quantizing}
        try:
            data = fold_pools(prepared, fold, quantizing=quantizing, threads=limits.threads)
            boosted = boost(
                data,
                params=_library_params(settled, prepared, data, limits=limits),
                n_rounds=n_rounds,
                look_every=look_every(n_alone),
                watch=RoundWatch(limits=limits, n_samples=data.n_train, n_rounds=n_rounds),
                is_interruptible=prepared.objective.device == "cpu",
            )
        except CatBoostError as error:
            raise ValueError(f"catboost refused the parameters {dict(params)} or the rows: {error}") from error
        return _finish(boosted, data, n_classes=n_classes, threads=limits.threads)

    def predict_proba(self, model: Booster, X: Any, *, threads: int = 1) -> Proba:
        """Return probabilities of shape (n_samples, n_classes)."""
        if X.shape[0] == 0:
            return np.empty((0, class_codes(model).n_classes))
        pool = make_pool(X, categorical=model.get_cat_feature_indices(), threads=threads)
        return _proba(model, pool, threads=threads)

    def importances(self, model: Booster, n_features: int) -> NDArray[np.float64]:
        """Return the share of each feature in how much predictions change with it."""
        change = np.asarray(model.get_feature_importance(type="PredictionValuesChange"), dtype=np.float64)
        assert change.size == n_features
        return change / change.sum() if change.sum() > 0 else np.zeros(n_features)

    def dump(self, model: Booster) -> bytes:
        """Return the library's own binary format, framed."""
        return frame(self.name, bytes_of(model))

    def load(self, data: bytes) -> Booster:
        """Rebuild a booster from its bytes.

        Raises
        ------
        ValueError
            The bytes are not a CatBoost model.
        """
        return booster_of(unframe(self.name, data))


def _library_params(
    settled: dict[str, Scalar], prepared: Pools, data: FoldPools, *, limits: Limits
) -> dict[str, Scalar]:
    params: dict[str, Scalar] = {
        "loss_function": "Logloss" if prepared.objective.n_classes == 2 else "MultiClass",
        # The library's own defaults of these depend on the number of rounds asked for; a fit that is made again with
        # fewer rounds is to be the same.
        "learning_rate": 0.05,
        "boosting_type": "Plain",
        "leaf_estimation_method": "Newton",
        "max_ctr_complexity": 4,
        "task_type": "GPU" if prepared.objective.device == "gpu" else "CPU",
        "random_seed": limits.seed,
        "thread_count": 1,
        "logging_level": "Silent",
        "allow_writing_files": False,
        "use_best_model": False,
    }
    steps = _LEAF_STEPS.get(str(settled.get("leaf_estimation_method", "Newton")))
    if steps is not None:
        params["leaf_estimation_iterations"] = steps[prepared.objective.n_classes > 2]
    if prepared.objective.device == "gpu":
        settled = {name: value for name, value in settled.items() if name != "rsm"}  # refused there for these losses
    if prepared.objective.n_classes > 2:
        params["classes_count"] = len(data.classes)
    return params | settled


def _finish(boosted: Boosted, data: FoldPools, *, n_classes: int, threads: int) -> Fitted:
    """Cut to the best round and predict the validation rows from the pool that is there already."""
    watch = boosted.watch
    model = seal(boosted.model, n_rounds=watch.best_round, classes=data.classes, n_classes=n_classes)
    curve = watch.curve()
    return Fitted(
        model=model,
        n_rounds=watch.best_round,
        valid_proba=np.empty((0, n_classes)) if data.rows is None else _proba(model, data.rows, threads=threads),
        train_losses=curve.train_losses,
        valid_losses=curve.valid_losses,
        loss_rounds=curve.rounds,
        stopped=boosted.stopped or "done",
    )


def _proba(model: Booster, pool: Any, *, threads: int) -> Proba:
    codes = class_codes(model)
    raw = np.asarray(model.predict(pool, prediction_type="RawFormulaVal", thread_count=threads))
    if raw.ndim == 1:
        positive = expit(raw)
        return np.column_stack([1 - positive, positive])
    return normalise(softmax(raw, axis=1), n_classes=codes.n_classes, classes=codes.seen)


FAMILY = CatBoost()
