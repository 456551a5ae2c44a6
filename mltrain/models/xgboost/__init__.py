"""XGBoost: the hist method, one QuantileDMatrix per fold, native categories and missing values.

It knows nothing of other families.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from mltrain.models import Fitted, Fold, Limits, Objective, Proba, Shape, View, ViewKind
from mltrain.models.boosting import MOST_ROUNDS, round_cap, rounds_of_trees
from mltrain.models.framing import frame, unframe
from mltrain.models.parameters import names_of, own_names, settle_parameters, take_number
from mltrain.models.rounds import RoundWatch, Stop
from mltrain.models.sharp_loss import SharpLoss
from mltrain.models.xgboost.booster import load_booster, predict_booster
from mltrain.models.xgboost.data import BINNING, FoldMatrices, Matrices, fold_matrices, prepare_matrices
from mltrain.models.xgboost.space import DEFAULTS, KNOWN, SYNONYMS, first_trials, search_space
from mltrain.models.xgboost.validation import ValidScores
from mltrain.models.xgboost.work import forecast_work, trees_at_once
from mltrain.space import Params, Scalar, Space


class XGBoost:
    """Gradient boosting of depth-wise or loss-guided trees.

    References
    ----------
    Chen, Guestrin (2016), XGBoost: A Scalable Tree Boosting System, doi:10.1145/2939672.2939785.
    """

    name = "xgboost"
    view: ViewKind = "native"
    is_additive = True
    grows_tree_per_class = True
    tree_us = 25.0
    simplicity = 3
    libraries = ("xgboost", "numpy", "scipy")
    defaults = DEFAULTS
    parameters = KNOWN | frozenset(SYNONYMS)
    synonyms = SYNONYMS
    binning = names_of(BINNING, SYNONYMS)

    def space(self, shape: Shape) -> Space:
        """Return the default search space for data of this shape."""
        return search_space(shape)

    def first_trials(self, shape: Shape) -> Sequence[Params]:
        """Return the parameters to try first, cheapest-promising first."""
        return first_trials(shape)

    def trees_at_once(self, params: Params) -> float:
        """Return how many trees a round grows for each class."""
        return trees_at_once(params)

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
    ) -> Matrices:
        """Sketch and bin once per fold.

        A training cell takes 2 bytes, 6 when a value is missing anywhere (each twice where a column has more than 256
        bins); a fit takes about 50 bytes a row besides. Rows that stand together are read in place. Validation rows
        that do not, as of k folds, are copied and kept, 4 bytes a cell, for each setting of the bins that is kept:
        folds that cover the rows once copy ``view.X`` once. Training rows are copied while they are sketched.

        Raises
        ------
        mltrain.errors.EnvironmentRefusal
            A GPU is asked for and this machine or build has none.
        """
        asked = own_names(first or {}, SYNONYMS)
        return prepare_matrices(
            view, y, weights=weights, folds=folds, objective=objective, threads=threads, first=asked
        )

    def fit(self, prepared: Matrices, fold: int, *, params: Params, limits: Limits) -> Fitted:
        """Boost until early stopping, the deadline or `limits.on_round` says so.

        Raises
        ------
        ValueError
            A parameter is unknown or refused by the library (`xgboost.core.XGBoostError` is one).
        """
        settled = settle_parameters(self.name, params, known=KNOWN, synonyms=SYNONYMS)
        cap = int(take_number(settled, "n_estimators", default=MOST_ROUNDS, low=1))
        n_classes = prepared.objective.n_classes
        data = fold_matrices(prepared, fold, max_bin=settled.get("max_bin"), threads=limits.threads)
        booster = xgboost.Booster(_library_params(settled, data, prepared.objective, limits), [data.train])
        n_rounds = round_cap(
            settled,
            prepared.view.X,
            limits=limits,
            n_classes=n_classes,
            cap=cap,
            own_cap=rounds_of_trees(n_classes),
            learning_rate=0.3,
        )
        watch = RoundWatch(limits=limits, n_samples=data.n_train, n_rounds=n_rounds)
        stopped = _boost(booster, data, n_rounds=n_rounds, watch=watch)
        model = booster[: watch.best_round]
        if stopped != "pruned":
            # Through bytes, because a slice may still hold on to the training data.
            model = load_booster(bytes(model.save_raw("ubj")))
        curve = watch.curve()
        return Fitted(
            model=model,
            n_rounds=watch.best_round,
            valid_proba=predict_booster(model, data.X_valid, n_classes, threads=limits.threads),
            train_losses=curve.train_losses,
            valid_losses=curve.valid_losses,
            loss_rounds=curve.rounds,
            sharpness=watch.sharpness,
            stopped=stopped or "done",
        )

    def predict_proba(self, model: xgboost.Booster, X: Any, *, threads: int = 1) -> Proba:
        """Return probabilities of shape (n_samples, n_classes)."""
        return predict_booster(model, X, int(model.attr("n_classes")), threads=threads)

    def importances(self, model: xgboost.Booster, n_features: int) -> NDArray[np.float64]:
        """Return the share of the total gain of each feature."""
        gain = np.zeros(n_features)
        for name, value in model.get_score(importance_type="total_gain").items():
            gain[int(name.removeprefix("f"))] = value
        return gain / gain.sum() if gain.sum() > 0 else gain

    def dump(self, model: xgboost.Booster) -> bytes:
        """Return the library's own binary JSON, framed."""
        return frame(self.name, bytes(model.save_raw("ubj")))

    def load(self, data: bytes) -> xgboost.Booster:
        """Rebuild a booster from its bytes.

        Raises
        ------
        ValueError
            The bytes are not an XGBoost model.
        """
        model = load_booster(unframe(self.name, data))
        if model.attr("n_classes") is None:
            raise ValueError("not an xgboost model of mltrain: it does not say how many classes it has")
        return model


def _library_params(
    settled: dict[str, Scalar], data: FoldMatrices, objective: Objective, limits: Limits
) -> dict[str, Scalar]:
    n_classes = objective.n_classes
    params: dict[str, Scalar] = {
        "objective": "binary:logistic" if n_classes == 2 else "multi:softprob",
        "eval_metric": "logloss" if n_classes == 2 else "mlogloss",
        "tree_method": "hist",
        "device": "cuda" if objective.device == "gpu" else "cpu",
        "seed": limits.seed,
        "nthread": limits.threads,
        "verbosity": 0,
    }
    if n_classes > 2:
        params |= {"num_class": n_classes, "base_score": json.dumps(data.start)}
    return params | settled


def _boost(booster: xgboost.Booster, data: FoldMatrices, *, n_rounds: int, watch: RoundWatch) -> Stop | None:
    booster.set_attr(n_classes=str(data.n_classes))
    scores, valid = ValidScores(data), SharpLoss(data.y_valid, weights=data.weights_valid)
    for round_ in range(1, n_rounds + 1):
        booster.update(data.train, round_ - 1)
        if watch.looks_at(round_):
            train_loss = _train_loss(booster, data, round_) if watch.wants_train_loss(round_) else None
            valid_loss = valid.after(scores.after(booster, round_)) if data.y_valid.size else None
            stop = watch.see(round_, train_loss=train_loss, valid_loss=valid_loss, sharpness=valid.sharpness)
            if stop is not None:
                return stop
        elif watch.limits.is_over:
            return "deadline"
    return None


def _train_loss(booster: xgboost.Booster, data: FoldMatrices, round_: int) -> float:
    # The library answers in text: "[0]\ttrain-logloss:0.69".
    return float(booster.eval_set([(data.train, "train")], round_ - 1).rpartition(":")[2])


FAMILY = XGBoost()
