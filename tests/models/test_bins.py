from __future__ import annotations

import gc

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost

from mltrain import plugins
from mltrain.models import Fold, Limits, Objective, bins
from mltrain.models.bins import LatestBins, with_few_bins
from mltrain.space import Choice, Float, Int
from mltrain.testing.family_data import make_rows

MANY_CELLS = 60_000_000


class Maker:
    """Makes numbered things and remembers for which setting and fold."""

    def __init__(self, n_cells):
        self.latest, self.made = LatestBins(n_cells=n_cells), []

    def want(self, max_bin, fold=0):
        def make():
            self.made.append((max_bin, fold))
            return {fold: len(self.made)}

        return self.latest.fold({"max_bin": max_bin}, fold, make=make)


def test_what_is_there_is_not_made_again():
    maker = Maker(MANY_CELLS)

    assert [maker.want(255), maker.want(255, fold=1), maker.want(15), maker.want(255), maker.want(15)] == [
        1,
        2,
        3,
        1,
        3,
    ]


def test_on_large_data_the_two_latest_settings_stay():
    maker = Maker(MANY_CELLS)

    for max_bin in (255, 15, 255, 63, 255, 15):
        maker.want(max_bin)

    assert maker.made == [(255, 0), (15, 0), (63, 0), (15, 0)]


def test_on_small_data_more_of_them_stay():
    maker = Maker(100_000)

    for max_bin in [*range(2, 90), *range(2, 90)]:
        maker.want(max_bin)

    assert len(maker.made) == 88


def test_a_fold_that_cannot_be_made_leaves_the_others_there():
    maker = Maker(MANY_CELLS)
    maker.want(255)

    def refuse():
        raise ValueError("one class")

    with pytest.raises(ValueError, match="one class"):
        maker.latest.fold({"max_bin": 255}, 1, make=refuse)

    assert maker.want(255) == 1


BOOSTERS = pytest.mark.parametrize(
    ("name", "dataset"),
    [("lgbm", lightgbm.Dataset), ("xgboost", xgboost.QuantileDMatrix), ("catboost", catboost.Pool)],
)


@BOOSTERS
def test_data_is_binned_as_the_first_fit_wants_it_and_in_no_other_way(name, dataset):
    family, rows = plugins.load("models", name), make_rows("native", n_classes=2)
    fold, first = Fold(train=np.arange(400), valid=np.arange(400, 600)), {"max_bin": 15}
    before = _n_alive(dataset)
    prepared = family.prepare(
        rows.view, rows.y, weights=None, folds=[fold], objective=Objective(n_classes=2), first=first
    )
    alive = _n_alive(dataset)

    family.fit(prepared, 0, params=first, limits=Limits(seed=0, max_rounds=3))

    assert before < alive == _n_alive(dataset)


@BOOSTERS
def test_bins_that_the_library_refuses_are_a_matter_of_the_fit(name, dataset):
    del dataset
    family, rows = plugins.load("models", name), make_rows("native", n_classes=2)
    fold, first = Fold(train=np.arange(400), valid=np.arange(400, 600)), {"max_bin": -3}

    prepared = family.prepare(
        rows.view, rows.y, weights=None, folds=[fold], objective=Objective(n_classes=2), first=first
    )

    with pytest.raises(ValueError, match=r"max_bin|border"):
        family.fit(prepared, 0, params=first, limits=Limits(seed=0, max_rounds=3))


def _n_alive(dataset):
    gc.collect()
    return sum(isinstance(thing, dataset) for thing in gc.get_objects())


@BOOSTERS
def test_many_settings_of_a_booster_do_not_pile_up(name, dataset, monkeypatch):
    monkeypatch.setattr(bins, "_MOST_CELLS", 0)
    family, rows, before = plugins.load("models", name), make_rows("native", n_classes=2), _n_alive(dataset)
    fold = Fold(train=np.arange(400), valid=np.arange(400, 600))
    prepared = family.prepare(rows.view, rows.y, weights=None, folds=[fold], objective=Objective(n_classes=2))

    def fit(max_bin):
        return family.fit(prepared, 0, params={"max_bin": max_bin}, limits=Limits(seed=0, max_rounds=3)).valid_proba

    first, second = fit(8), fit(15)
    alive = _n_alive(dataset) - before
    for max_bin in (31, 63, 127):
        fit(max_bin)

    assert _n_alive(dataset) - before == alive
    np.testing.assert_array_equal(fit(8), first)
    np.testing.assert_array_equal(fit(15), second)


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Int(low=15, high=255), Choice(options=(255, 127, 63, 31, 15))),
        (Int(low=1, high=20), Choice(options=(20, 11, 5, 3, 1))),
        (Int(low=3, high=7), Int(low=3, high=7)),  # five values as it is
        (Choice(options=(15, 255)), Choice(options=(15, 255))),
        (Float(low=0.0, high=1.0), Float(low=0.0, high=1.0)),
    ],
)
def test_of_a_range_of_bins_a_few_values_are_searched(dimension, expected):
    space = {"max_bin": dimension, "num_leaves": Int(low=2, high=100)}

    few = with_few_bins(space, frozenset({"max_bin"}))

    assert few == {"max_bin": expected, "num_leaves": Int(low=2, high=100)}


@pytest.mark.parametrize(("name", "parameter"), [("lgbm", "min_data_in_bin"), ("catboost", "max_bin")])
def test_boosters_name_what_asks_for_other_bins_by_all_its_names(name, parameter):
    assert parameter in plugins.load("models", name).binning
