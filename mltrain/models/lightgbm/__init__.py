"""LightGBM: one Dataset binned once, a subset of it per fold, the library's own boosting loop.

It knows nothing of other families. Results do not depend on the number of threads: histograms are built in the
library's deterministic mode, by column, or on one thread by row where bins are few, which gives the same ones; what
the library draws or adds up by blocks of rows, one a thread, runs on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from mltrain.models import Fitted, Fold, Limits, Objective, Proba, Shape, View, ViewKind
from mltrain.models.boosting import MOST_ROUNDS, round_cap, rounds_of_trees
from mltrain.models.framing import frame, unframe
from mltrain.models.lightgbm.data import BINNING, Binned, FoldData, binning_of, fold_data, prepare_bins
from mltrain.models.lightgbm.losses import Losses
from mltrain.models.lightgbm.space import DEFAULTS, KNOWN, SYNONYMS, first_trials, search_space
from mltrain.models.lightgbm.work import forecast_work
from mltrain.models.parameters import names_of, own_names, settle_parameters, take_number
from mltrain.models.rounds import RoundWatch, Stop, normalise
from mltrain.space import Params, Scalar, Space

# A round that found no split leaves no tree, and the next one draws other rows, columns and cuts: where half of the
# draws find none, so many in a row are one case in a thousand. Where nothing is drawn they cost ten looks at the root.
_MOST_EMPTY_ROUNDS = 10
_NO_DART = "each round rescales the trees before it, so that a model cannot be cut to its best round"


class LightGBM:
    """Gradient boosting of leaf-wise trees with native categories and missing values.

    References
    ----------
    Ke et al. (2017), LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS 30.
    """

    name = "lgbm"
    view: ViewKind = "native"
    is_additive = True
    grows_tree_per_class = True
    tree_us = 80.0
    simplicity = 2
    libraries = ("lightgbm", "numpy", "scipy")
    defaults = DEFAULTS
    parameters = KNOWN | frozenset(SYNONYMS)
    synonyms = SYNONYMS
    refused: Mapping[str, Mapping[str, str]] = {"boosting": {"dart": _NO_DART}}
    binning = names_of(BINNING, SYNONYMS)

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
    ) -> Binned:
        """Bin once and subset per fold; a single fold is binned from its training rows.

        The bins take 1 byte a cell (2 in a column of more than 256 bins) for the rows of each fold, and once more for
        all rows when several folds share them; a fit takes about 50 bytes a row besides, and 8 a row for the training
        loss, which several classes take each. Rows that stand together are read in place. Validation rows that do not,
        as of k folds, are copied and kept, 4 bytes a cell, for each setting of the bins that is kept: folds that cover
        the rows once copy ``view.X`` once. Training rows of a fold with bins of its own are copied while they are
        binned.

        Raises
        ------
        mltrain.errors.EnvironmentRefusal
            A GPU is asked for and this machine or build has none.
        """
        asked = own_names(first or {}, SYNONYMS)
        return prepare_bins(view, y, weights=weights, folds=folds, objective=objective, threads=threads, first=asked)

    def fit(self, prepared: Binned, fold: int, *, params: Params, limits: Limits) -> Fitted:
        """Boost until early stopping, the deadline or `limits.on_round` says so.

        Raises
        ------
        ValueError
            A parameter is unknown or refused by the library, or ``boosting`` is ``dart``.
        """
        settled = settle_parameters(self.name, params, known=KNOWN, synonyms=SYNONYMS)
        _refuse_dart(settled)
        cap = int(take_number(settled, "num_iterations", default=MOST_ROUNDS, low=1))
        n_classes = prepared.objective.n_classes
        threads = 1 if _works_by_blocks(settled) else limits.threads
        binning = binning_of(settled)
        settled = {name: value for name, value in settled.items() if name not in binning}
        try:
            data = fold_data(prepared, fold, binning=binning, threads=limits.threads)
            library_params = _library_params(
                settled,
                prepared,
                seed=limits.seed,
                threads=threads,
                # Several threads would sum blocks of rows and add those up: rounded otherwise, so another model.
                is_row_wise=data.is_row_wise and threads == 1,
            )
            booster = lightgbm.Booster(library_params, data.train)
            n_rounds = round_cap(
                settled,
                prepared.X,
                limits=limits,
                n_classes=n_classes,
                cap=cap,
                own_cap=rounds_of_trees(n_classes),
                learning_rate=0.1,
            )
            watch = RoundWatch(limits=limits, n_samples=data.n_train, n_rounds=n_rounds)
            stopped = _boost(booster, data, n_rounds=n_rounds, watch=watch)
        except LightGBMError as error:
            raise ValueError(f"lightgbm refused the parameters {dict(params)}: {error}") from error
        return self._finish(booster, data, watch=watch, stopped=stopped, threads=limits.threads)

    def predict_proba(self, model: lightgbm.Booster, X: Any, *, threads: int = 1) -> Proba:
        """Return probabilities of shape (n_samples, n_classes)."""
        n_classes = max(model.num_model_per_iteration(), 2)
        if X.shape[0] == 0:
            return np.empty((0, n_classes))
        raw = _raw_proba(model, X, threads=threads)
        return np.column_stack([1 - raw, raw]) if raw.ndim == 1 else normalise(raw, n_classes=n_classes)

    def importances(self, model: lightgbm.Booster, n_features: int) -> NDArray[np.float64]:
        """Return the share of the total gain of each feature."""
        gain = np.asarray(model.feature_importance("gain"), dtype=np.float64)
        assert gain.size == n_features
        return gain / gain.sum() if gain.sum() > 0 else gain

    def dump(self, model: lightgbm.Booster) -> bytes:
        """Return the library's own text format, framed."""
        return frame(self.name, model.model_to_string().encode())

    def load(self, data: bytes) -> lightgbm.Booster:
        """Rebuild a booster from its text.

        Raises
        ------
        ValueError
            The bytes are not a LightGBM model.
        """
        text = unframe(self.name, data).decode()
        try:
            return lightgbm.Booster(model_str=text)
        except LightGBMError as error:
            raise ValueError(f"not a lightgbm model: {error}") from error

    def _finish(
        self, booster: lightgbm.Booster, data: FoldData, *, watch: RoundWatch, stopped: Stop | None, threads: int
    ) -> Fitted:
        """Cut to the best round through the text, which also drops the training data.

        The text takes as long as tens of rounds on few rows; a pruned fit, of which nobody wants the model, has none.
        """
        booster.best_iteration = watch.best_round
        model = booster if stopped == "pruned" else lightgbm.Booster(model_str=booster.model_to_string())
        curve = watch.curve()
        return Fitted(
            model=model,
            n_rounds=watch.best_round,
            valid_proba=self.predict_proba(model, data.X_valid, threads=threads),
            train_losses=curve.train_losses,
            valid_losses=curve.valid_losses,
            loss_rounds=curve.rounds,
            sharpness=watch.sharpness,
            stopped=stopped or "done",
        )


def _raw_proba(model: lightgbm.Booster, X: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
    """Let threads of ours predict a block of rows each.

    How many threads the library takes is one number of the process: told here of more than one, it would add up the
    histograms of a fit that runs beside in another order.
    """
    n_blocks = max(1, min(threads, X.shape[0]))
    starts = np.linspace(0, X.shape[0], n_blocks + 1).astype(int)
    if n_blocks == 1:
        return np.asarray(model.predict(X, num_threads=1))
    blocks = [X[start:end] for start, end in pairwise(starts)]
    with ThreadPoolExecutor(n_blocks) as pool:
        return np.concatenate(list(pool.map(partial(model.predict, num_threads=1), blocks)))


def _refuse_dart(settled: Mapping[str, Scalar]) -> None:
    if "dart" in _ways_of_boosting(settled):
        raise ValueError(f"parameter 'boosting' cannot be 'dart': {_NO_DART}; choose gbdt or goss")


def _ways_of_boosting(settled: Mapping[str, Scalar]) -> set[str]:
    """Return how trees are boosted and rows sampled, as far as it is said; the library takes names of any case."""
    return {str(settled[name]).lower() for name in ("boosting", "data_sample_strategy") if name in settled}


def _library_params(
    settled: dict[str, Scalar], prepared: Binned, *, seed: int, threads: int, is_row_wise: bool
) -> dict[str, Scalar]:
    n_classes = prepared.objective.n_classes
    params: dict[str, Scalar] = {
        "objective": "binary" if n_classes == 2 else "multiclass",
        # Losses are ours; the library's own would be taken beside them at each look.
        "metric": "None",
        "bagging_freq": 1,
        "verbosity": -1,
        "deterministic": True,
        "force_row_wise" if is_row_wise else "force_col_wise": True,
        "seed": seed,
        "num_threads": threads,
    }
    if n_classes > 2:
        # At the library's defaults a rare class makes the loss diverge (26 instead of 0.5 on 26 classes).
        params |= {"num_class": n_classes, "max_delta_step": 1.0}
    if prepared.objective.device == "gpu":
        params |= {"device_type": "gpu", "force_row_wise": False, "force_col_wise": False}
    params |= settled
    if "goss" in _ways_of_boosting(settled):
        # Rows are sampled by their gradients then; to be told of bagging as well, the library refuses.
        params = {name: value for name, value in params.items() if name not in ("bagging_freq", "bagging_fraction")}
    return params


def _works_by_blocks(settled: Mapping[str, Scalar]) -> bool:
    """Say whether these parameters make the library draw or add up by blocks of rows, one a thread."""
    is_goss = "goss" in _ways_of_boosting(settled)
    return is_goss or bool(settled.get("linear_tree")) or bool(settled.get("use_quantized_grad"))


def _boost(booster: lightgbm.Booster, data: FoldData, *, n_rounds: int, watch: RoundWatch) -> Stop | None:
    """Grow ``n_rounds`` rounds of trees, unless something stops it, and return what did.

    A round is one that left trees, so that a model can be cut to it. The library draws by the calls, not by the rounds
    that count: a fit made again with fewer rounds goes through the same empty ones.
    """
    losses = Losses(booster, data)
    round_ = n_looked_at = n_empty = 0
    while round_ < n_rounds and n_empty < _MOST_EMPTY_ROUNDS:
        if booster.update():
            n_empty += 1
            round_ = booster.current_iteration()
        else:
            n_empty = 0
            round_ += 1
        is_last = n_empty == _MOST_EMPTY_ROUNDS
        if round_ > n_looked_at and (is_last or watch.looks_at(round_)):
            n_looked_at = round_
            train_loss = losses.of_train() if watch.wants_train_loss(round_) else None
            stop = watch.see(round_, train_loss=train_loss, valid_loss=losses.of_valid(), sharpness=losses.sharpness)
            if stop is not None:
                return stop
        elif watch.limits.is_over and not is_last:
            return "deadline"
    return "early" if n_empty == _MOST_EMPTY_ROUNDS else None


FAMILY = LightGBM()
