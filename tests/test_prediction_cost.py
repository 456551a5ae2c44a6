from __future__ import annotations

from types import SimpleNamespace

import pytest

from mltrain import plugins
from mltrain.models import Objective, Shape
from mltrain.prediction_cost import MOST_PREDICTION_S, n_affordable, prediction_s, share_models


def _job(n_classes: int, **family):
    return SimpleNamespace(
        objective=Objective(n_classes=n_classes), family=SimpleNamespace(**family), view=SimpleNamespace(n_features=5)
    )


@pytest.mark.parametrize(
    ("n_classes", "family", "expected_s"),
    [
        (2, {"tree_us": 65.0, "grows_tree_per_class": True}, 300 * 65e-6),
        (10, {"tree_us": 65.0, "grows_tree_per_class": True}, 3_000 * 65e-6),
        (10, {"tree_us": 15.0}, 300 * 15e-6),
        (3, {}, 300 * 50e-6),  # a family that says nothing
    ],
)
def test_a_prediction_costs_its_trees_and_its_calls(n_classes, family, expected_s):
    assert prediction_s(_job(n_classes, **family), {}, [100, 200]) == pytest.approx(expected_s + 2 * 0.003)


def test_a_model_may_cost_more_than_its_trees_and_a_call():
    job = _job(2, tree_us=1.0, model_us=lambda params, n_features: 100.0 * params["n_landmarks"] * n_features)

    assert prediction_s(job, {"n_landmarks": 20}, [10, 10]) == pytest.approx(2 * (0.003 + 10e-6 + 0.01))


def test_a_round_may_grow_a_forest():
    job = _job(2, tree_us=1_000.0, trees_at_once=lambda params: params["num_parallel_tree"])
    xgboost = plugins.load("models", "xgboost")
    shape = Shape(n_samples=1_000, n_features=10, n_classes=2)

    assert prediction_s(job, {"num_parallel_tree": 5}, [10]) == pytest.approx(0.003 + 10 * 5 * 0.001)
    assert xgboost.trees_at_once({"num_parallel_tree": 5}) == 5
    assert xgboost.trees_at_once({"num_parallel_tree": "many"}) == 1
    assert xgboost.work({"num_parallel_tree": 5}, shape) > 3 * xgboost.work({}, shape)


def test_as_many_fold_models_are_kept_as_predict_in_time():
    dear = _job(10, tree_us=65.0, grows_tree_per_class=True)

    assert n_affordable(dear, {}, [75, 75, 75, 75, 75]) == 3  # 0.21 s would be too much
    assert n_affordable(dear, {}, [250, 250]) == 1
    assert n_affordable(dear, {}, [3_000, 3_000]) == 1  # one always
    assert n_affordable(_job(2, tree_us=65.0), {}, [400] * 5) == 5


def test_an_affordable_vote_keeps_all_models():
    assert share_models([0.6, 0.4], [0.01, 0.02], n_models=[5, 5]) == (5, 5)


def test_a_dear_vote_loses_the_models_that_are_worth_least_for_their_price():
    n_models = share_models([0.5, 0.4, 0.1], [0.10, 0.01, 0.015], n_models=[5, 5, 5])

    # The fifth of the second is worth 0.8, the second of the first 1.25, the fourth of the second 1.33.
    assert n_models == (1, 4, 1)
    assert MOST_PREDICTION_S >= 0.10 + 4 * 0.01 + 0.015


def test_every_voter_keeps_one_model():
    assert share_models([0.5, 0.5], [1.0, 1.0], n_models=[5, 1]) == (1, 1)
