"""What is particular to XGBoost."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xgboost

from mltrain.models import Fold, Limits, Objective
from mltrain.models.xgboost import FAMILY
from mltrain.models.xgboost.booster import _openmp, predict_booster
from mltrain.testing.family_data import make_many_rows

_LIMITS = {"seed": 0, "max_rounds": 1}


def _prepare(rows, *, weights, threads=1):
    fold = Fold(train=np.arange(rows.y.size), valid=np.arange(0))
    objective = Objective(n_classes=rows.n_classes)
    return FAMILY.prepare(rows.view, rows.y, weights=weights, folds=[fold], objective=objective, threads=threads)


def _start(booster):
    return json.loads(json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"])


@pytest.mark.parametrize("n_classes", [2, 7])
def test_one_two_and_three_threads_give_the_same_bytes(n_classes):
    rows = make_many_rows("native", n_classes=n_classes)

    dumps = set()
    for threads in (1, 2, 3):
        prepared = _prepare(rows, weights=rows.y + 0.3, threads=threads)
        fitted = FAMILY.fit(prepared, 0, params={}, limits=Limits(**_LIMITS, threads=threads))
        dumps.add(FAMILY.dump(fitted.model))

    assert len(dumps) == 1


@pytest.mark.parametrize("is_weighted", [False, True])
def test_classes_start_where_the_library_has_them(is_weighted):
    rows = make_many_rows("native", n_classes=4)
    weights = np.random.default_rng(0).uniform(0.1, 3, rows.y.size) if is_weighted else None
    matrix = xgboost.QuantileDMatrix(rows.view.X, label=rows.y.astype(np.float32), weight=weights)
    library = xgboost.Booster({"objective": "multi:softprob", "num_class": 4, "nthread": 1}, [matrix])
    library.update(matrix, 0)

    fitted = FAMILY.fit(_prepare(rows, weights=weights), 0, params={}, limits=Limits(**_LIMITS))

    # The library adds up single precision.
    np.testing.assert_allclose(_start(fitted.model), _start(library), atol=2e-6)


def test_a_start_is_the_users_to_fix():
    rows = make_many_rows("native", n_classes=4)

    fitted = FAMILY.fit(_prepare(rows, weights=None), 0, params={"base_score": 0.25}, limits=Limits(**_LIMITS))

    assert _start(fitted.model) == [0.25] * 4


def test_a_prediction_has_the_threads_it_asks_for_and_leaves_those_of_the_caller() -> None:
    seen = []

    class Watched:
        def inplace_predict(self, X, predict_type):
            seen.append({library["num_threads"] for library in _openmp().info()})
            return np.zeros(len(X))

    before = _openmp().info()

    for threads in (1, 2):
        predict_booster(Watched(), np.zeros((3, 1), dtype=np.float32), 2, threads=threads)

    assert seen == [{1}, {2}]
    assert _openmp().info() == before
