"""Spaces and first trials, for every shape that data may have."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from mltrain.models import Shape, catboost, lightgbm, logistic_regression, random_forest, xgboost
from mltrain.space import Choice

FAMILIES = pytest.mark.parametrize(
    "family",
    [module.FAMILY for module in (lightgbm, logistic_regression, random_forest, xgboost)],
    ids=lambda family: family.name,
)
SHAPES = pytest.mark.parametrize(
    "shape",
    [
        Shape(n_samples=30, n_features=1, n_classes=2),
        Shape(n_samples=8_000, n_features=20, n_classes=2, distinct=1.0, rarest=0.01),
        Shape(n_samples=640, n_features=20, n_classes=2, n_categorical=13),
        Shape(n_samples=22_000, n_features=8, n_classes=26, n_categorical=2),
        Shape(n_samples=50_000, n_features=14, n_classes=2, n_categorical=8),
        Shape(n_samples=2_000_000, n_features=30, n_classes=2),
    ],
    ids=lambda shape: f"{shape.n_samples}x{shape.n_features}x{shape.n_classes}",
)
BOOSTERS = pytest.mark.parametrize("family", [lightgbm.FAMILY, xgboost.FAMILY], ids=lambda family: family.name)


@FAMILIES
@SHAPES
def test_first_trials_are_complete_points_of_the_space(family, shape):
    space = family.space(shape)

    for trial in family.first_trials(shape):
        assert list(trial)[: len(space)] == list(space)
        assert set(trial) == set(space) or family.variant(trial) == "landmarks"
        for name, dimension in space.items():
            if isinstance(dimension, Choice):
                assert trial[name] in dimension.options
            else:
                assert dimension.low <= trial[name] <= dimension.high


@FAMILIES
@SHAPES
def test_no_first_trial_is_tried_twice(family, shape):
    assert all(one != other for one, other in combinations(family.first_trials(shape), 2))


@FAMILIES
@SHAPES
def test_every_range_holds_more_than_one_value(family, shape):
    for dimension in family.space(shape).values():
        assert len(dimension.options) > 1 if isinstance(dimension, Choice) else dimension.low < dimension.high


@BOOSTERS
def test_learning_rates_follow_the_rows(family):
    small, large = (Shape(n_samples=rows, n_features=20, n_classes=2) for rows in (1000, 1_000_000))

    assert family.space(small)["learning_rate"].low < family.space(large)["learning_rate"].low
    slowest = [min(trial["learning_rate"] for trial in family.first_trials(shape)) for shape in (small, large)]
    assert slowest[0] < slowest[1]


def test_extremely_randomised_boosting_comes_last_on_many_rows():
    few, many = (Shape(n_samples=rows, n_features=20, n_classes=2) for rows in (1000, 20_000))

    assert [trial["extra_trees"] for trial in lightgbm.FAMILY.first_trials(few)][1:4] == [True] * 3
    assert [trial["extra_trees"] for trial in lightgbm.FAMILY.first_trials(many)] == [False] * 7 + [True]


def test_leaves_of_forests_follow_the_rows():
    shape = Shape(n_samples=2_000_000, n_features=30, n_classes=2)

    assert min(trial["min_samples_leaf"] for trial in random_forest.FAMILY.first_trials(shape)) == 100


@pytest.mark.parametrize(
    ("family", "parameter"),
    [(lightgbm.FAMILY, "max_bin"), (xgboost.FAMILY, "max_bin"), (catboost.FAMILY, "border_count")],
    ids=["lgbm", "xgboost", "catboost"],
)
def test_few_rows_of_many_numbers_get_fewer_bins_and_are_forecast_to_be_faster(family: Any, parameter: str) -> None:
    wide = Shape(n_samples=1_280, n_features=300, n_classes=2)
    for shape in (replace(wide, n_samples=50_000), replace(wide, n_features=30), replace(wide, n_categorical=280)):
        assert parameter not in family.space(shape)

    first = family.first_trials(wide)[0]

    assert first[parameter] == 63
    assert family.space(wide)[parameter] == Choice(options=(63,))
    assert family.work(first, wide) < 0.8 * family.work({**first, parameter: 255}, wide)


@BOOSTERS
def test_rows_count_by_how_much_their_labels_vary(family):
    many = Shape(n_samples=8_000, n_features=20, n_classes=2, rarest=0.4)
    few = replace(many, n_samples=320, rarest=0.5)

    assert _without_rates(family.first_trials(replace(many, rarest=0.01))) == _without_rates(family.first_trials(few))
    assert family.first_trials(many) == family.first_trials(replace(many, rarest=None))
    assert family.first_trials(many)[0] != family.first_trials(replace(many, rarest=0.01))[0]


def _without_rates(trials):
    # The lowest learning rate follows the cells.
    return [{name: value for name, value in trial.items() if name != "learning_rate"} for trial in trials]


def test_where_values_differ_a_forest_of_random_cuts_is_tried_before_one_of_best_cuts():
    def cuts(distinct):
        shape = Shape(n_samples=8_000, n_features=20, n_classes=2, distinct=distinct)
        return [trial["extra_trees"] for trial in random_forest.FAMILY.first_trials(shape)]

    assert cuts(1.0) == [False, True, True, False, False, False]
    assert cuts(0.01) == [False, True, False, False, True, False]
