"""What is particular to LightGBM and XGBoost."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss

from mltrain.errors import EnvironmentRefusal
from mltrain.models import Fold, Limits, Objective, View, lightgbm, xgboost
from mltrain.models.lightgbm import data as lightgbm_data
from mltrain.search import fold_proba
from mltrain.testing.family_data import make_folds, make_rows

BOOSTERS = pytest.mark.parametrize("family", [lightgbm.FAMILY, xgboost.FAMILY], ids=lambda f: f.name)


def _prepare(family, X, y, *, folds, categorical=()):
    names = tuple(f"f{i}" for i in range(X.shape[1]))
    view = View(kind="native", X=X, feature_names=names, categorical=categorical)
    objective = Objective(n_classes=int(y.max()) + 1)
    return family.prepare(view, y, weights=None, folds=folds, objective=objective)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    even = np.arange(y.size) % 2 == 0
    return X.astype(np.float32), y.astype(np.int64), Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))


@BOOSTERS
def test_early_stopping_keeps_the_best_round(family, cancer):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])

    fitted = family.fit(prepared, 0, params={"learning_rate": 0.3}, limits=Limits(seed=0))

    assert fitted.stopped == "early"
    assert fitted.n_rounds == fitted.loss_rounds[int(np.argmin(fitted.valid_losses))]
    # The library sums float32 losses.
    assert min(fitted.valid_losses) == pytest.approx(log_loss(y[fold.valid], fold_proba(fitted)), abs=1e-5)


@BOOSTERS
def test_a_refit_with_the_best_rounds_is_the_same_model(family, cancer):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])
    first = family.fit(prepared, 0, params={"learning_rate": 0.2}, limits=Limits(seed=0))

    limits = Limits(seed=0, max_rounds=first.n_rounds)
    again = family.fit(prepared, 0, params={"learning_rate": 0.2}, limits=limits)

    np.testing.assert_array_equal(again.valid_proba, first.valid_proba)


@BOOSTERS
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_validation_loss_is_weighted_as_training_is(family, n_classes):
    rows = make_rows("native", n_classes=n_classes)
    weights = 1.0 + rows.y
    (fold, _) = make_folds(rows)
    objective = Objective(n_classes=n_classes)
    prepared = family.prepare(rows.view, rows.y, weights=weights, folds=[fold], objective=objective)

    fitted = family.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=12))

    expected = log_loss(rows.y[fold.valid], fold_proba(fitted), sample_weight=weights[fold.valid])
    assert min(fitted.valid_losses) == pytest.approx(expected, abs=1e-5)


@BOOSTERS
def test_the_training_loss_is_looked_at_every_tenth_round_and_later_a_tenth_apart(family, cancer):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])

    fitted = family.fit(prepared, 0, params={"learning_rate": 0.01}, limits=Limits(seed=0, max_rounds=165))

    changes = np.flatnonzero(np.diff(fitted.train_losses)) + 1
    assert [fitted.loss_rounds[i] for i in changes] == [*range(10, 111, 10), 125, 140, 155]
    assert (np.diff(fitted.train_losses) <= 0).all()


@pytest.mark.parametrize("n_classes", [2, 4])
def test_training_losses_of_lightgbm_are_those_of_its_predictions(n_classes):
    rows = make_rows("native", n_classes=n_classes)
    weights = 1.0 + rows.y
    (fold, _) = make_folds(rows)
    family, objective = lightgbm.FAMILY, Objective(n_classes=n_classes)
    prepared = family.prepare(rows.view, rows.y, weights=weights, folds=[fold], objective=objective)

    fitted = family.fit(prepared, 0, params={"learning_rate": 0.02}, limits=Limits(seed=0, max_rounds=20))

    proba = family.predict_proba(fitted.model, rows.view.X[fold.train])
    expected = log_loss(rows.y[fold.train], proba, sample_weight=weights[fold.train])
    assert fitted.n_rounds == fitted.loss_rounds[-1] == 20
    assert fitted.train_losses[-1] == pytest.approx(expected, rel=1e-9)


@BOOSTERS
def test_losses_are_looked_at_every_round_at_first_then_every_fifth_and_after_the_last(family, cancer):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])

    fitted = family.fit(prepared, 0, params={"learning_rate": 0.02}, limits=Limits(seed=0, max_rounds=27))

    assert fitted.loss_rounds == (*range(1, 11), 15, 20, 25, 27)
    assert fitted.n_rounds == 27


@BOOSTERS
def test_an_end_between_two_looks_ends_a_fit(family, cancer):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])
    asked = itertools.count(1)  # at each of the first ten rounds, and after the eleventh, at which nobody looks

    fitted = family.fit(
        prepared, 0, params={"learning_rate": 0.02}, limits=Limits(seed=0, hurry=lambda: next(asked) > 10)
    )

    assert fitted.stopped == "deadline"
    assert fitted.loss_rounds == tuple(range(1, 11))


@BOOSTERS
def test_folds_may_choose_features_beside_folds_that_do_not(family, cancer):
    X, y, fold = cancer
    chosen = Fold(train=fold.train, valid=fold.valid, features=np.array([0, 3, 7, 22]))
    swapped = Fold(train=fold.valid, valid=fold.train)
    prepared = _prepare(family, X, y, folds=[fold, chosen, swapped])
    alone = _prepare(family, np.ascontiguousarray(X[:, chosen.features]), y, folds=[fold])
    limits = Limits(seed=0, max_rounds=15)

    few = family.fit(prepared, 1, params={}, limits=limits)

    np.testing.assert_array_equal(few.valid_proba, family.fit(alone, 0, params={}, limits=limits).valid_proba)
    assert family.fit(prepared, 2, params={}, limits=limits).valid_proba.shape == (fold.train.size, 2)


@BOOSTERS
def test_categories_that_training_rows_lack_are_scored_as_predicted(family):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 30, 3000)
    X = np.column_stack([rng.normal(size=3000), codes]).astype(np.float32)
    y = ((codes % 3 == 0) ^ (X[:, 0] > 0)).astype(np.int64)
    unseen = np.isin(codes, [5, 29])
    fold = Fold(train=np.flatnonzero(~unseen), valid=np.flatnonzero(unseen))
    prepared = _prepare(family, X, y, folds=[fold], categorical=(1,))

    fitted = family.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=20))

    assert min(fitted.valid_losses) == pytest.approx(log_loss(y[fold.valid], fold_proba(fitted)), abs=1e-5)
    np.testing.assert_array_equal(family.predict_proba(fitted.model, X[fold.valid]), fitted.valid_proba)


@BOOSTERS
def test_a_rare_class_does_not_diverge(family):
    rng = np.random.default_rng(3)
    y = np.sort(np.r_[np.arange(12).repeat(150), [10] * 5, [11] * 5, np.full(6, 12)]).astype(np.int64)
    X = (np.eye(13)[y] @ rng.normal(size=(13, 6)) + rng.normal(size=(y.size, 6))).astype(np.float32)
    even = np.arange(y.size) % 2 == 0
    fold = Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))

    prepared = _prepare(family, X, y, folds=[fold])
    fitted = family.fit(prepared, 0, params={}, limits=Limits(seed=0))

    assert log_loss(y[fold.valid], fitted.valid_proba, labels=range(13)) < np.log(13)


@BOOSTERS
def test_synonyms_and_bins_are_the_users_to_fix(family, cancer):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])
    limits = Limits(seed=0, max_rounds=15)

    plain = family.fit(prepared, 0, params={"learning_rate": 0.2}, limits=limits)
    named = family.fit(prepared, 0, params={"eta": 0.2, "learning_rate": 0.7}, limits=limits)
    coarse = family.fit(prepared, 0, params={"learning_rate": 0.2, "max_bin": 8}, limits=limits)
    few = family.fit(prepared, 0, params={"n_estimators": 4}, limits=limits)

    np.testing.assert_array_equal(named.valid_proba, plain.valid_proba)
    assert not np.array_equal(coarse.valid_proba, plain.valid_proba)
    assert few.n_rounds <= 4


@BOOSTERS
@pytest.mark.parametrize("name", ["learning_rate", "bagging"])
def test_a_value_that_the_library_refuses_is_a_value_error(family, cancer, name):
    X, y, fold = cancer
    prepared = _prepare(family, X, y, folds=[fold])
    fraction = {"lgbm": "bagging_fraction", "xgboost": "subsample"}[family.name]
    params = {"learning_rate": -1.0} if name == "learning_rate" else {fraction: 3.0}

    with pytest.raises(ValueError, match=next(iter(params))):
        family.fit(prepared, 0, params=params, limits=Limits(seed=0, max_rounds=5))


def _rows_where_half_of_the_cuts_are_too_near_the_ends():
    """One number and leaves of so many rows (`_CHANCY`) that every second cut drawn at random makes no split."""
    random = np.random.default_rng(1)
    X = random.random((240, 1)).astype(np.float32)
    y = (X[:, 0] + 0.3 * random.standard_normal(240) > 0.5).astype(np.int64)
    even = np.arange(240) % 2 == 0
    return X, y, Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))


_CHANCY = {"extra_trees": True, "min_data_in_leaf": 30, "learning_rate": 0.05}


def test_a_round_that_found_no_split_by_chance_is_not_the_last_of_lightgbm():
    X, y, _ = _rows_where_half_of_the_cuts_are_too_near_the_ends()
    prepared = _prepare(lightgbm.FAMILY, X, y, folds=[Fold(train=np.arange(0, 240, 2), valid=np.arange(0))])

    fitted = lightgbm.FAMILY.fit(prepared, 0, params=_CHANCY, limits=Limits(seed=0, max_rounds=40))

    assert (fitted.stopped, fitted.n_rounds, fitted.model.num_trees()) == ("done", 40, 40)
    # The first one may hold the share of the classes alone.
    assert min(tree["num_leaves"] for tree in fitted.model.dump_model()["tree_info"][1:]) > 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("bagging", [0.7, 1.0])
def test_rounds_without_a_split_do_not_count_when_lightgbm_fits_again(seed, bagging):
    X, y, fold = _rows_where_half_of_the_cuts_are_too_near_the_ends()
    prepared = _prepare(lightgbm.FAMILY, X, y, folds=[fold])
    params = {**_CHANCY, "bagging_fraction": bagging, "min_data_in_leaf": int(30 * bagging)}
    first = lightgbm.FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=seed))

    again = lightgbm.FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=seed, max_rounds=first.n_rounds))

    assert first.n_rounds == first.model.num_trees() > 5
    assert len(set(first.loss_rounds)) == len(first.loss_rounds)
    assert min(first.valid_losses) == pytest.approx(log_loss(y[fold.valid], fold_proba(first)), abs=1e-5)
    assert lightgbm.FAMILY.dump(again.model) == lightgbm.FAMILY.dump(first.model)


def test_lightgbm_ends_where_no_split_can_be_found():
    X, y, fold = _rows_where_half_of_the_cuts_are_too_near_the_ends()
    prepared = _prepare(lightgbm.FAMILY, X, y, folds=[fold])

    fitted = lightgbm.FAMILY.fit(prepared, 0, params={"min_data_in_leaf": 100}, limits=Limits(seed=0))

    assert (fitted.stopped, fitted.n_rounds, fitted.loss_rounds) == ("early", 1, (1,))
    np.testing.assert_allclose(fitted.valid_proba[:, 1], y[fold.train].mean(), atol=1e-6)


@pytest.mark.parametrize(
    "params", [{"boosting": "GOSS"}, {"data_sample_strategy": "Goss"}, {"boosting": "goss"}], ids=str
)
def test_goss_goes_with_the_bagging_that_is_searched(params, cancer):
    X, y, fold = cancer
    prepared = _prepare(lightgbm.FAMILY, X, y, folds=[fold])
    params = {**params, "learning_rate": 0.2, "subsample": 0.7}

    one, two = (
        lightgbm.FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0, max_rounds=20, threads=threads))
        for threads in (1, 2)
    )

    assert log_loss(y[fold.valid], one.valid_proba) < 0.2
    np.testing.assert_array_equal(two.valid_proba, one.valid_proba)


@pytest.mark.parametrize("name", ["boosting", "boosting_type"])
def test_dart_is_refused(name, cancer):
    X, y, fold = cancer
    prepared = _prepare(lightgbm.FAMILY, X, y, folds=[fold])

    with pytest.raises(ValueError, match=r"cannot be 'dart'.*choose gbdt"):
        lightgbm.FAMILY.fit(prepared, 0, params={name: "DART"}, limits=Limits(seed=0, max_rounds=5))

    assert lightgbm.FAMILY.parameters.isdisjoint({"drop_rate", "max_drop", "skip_drop", "uniform_drop"})


@BOOSTERS
def test_a_machine_without_gpu_is_refused(family):
    if Path("/dev/nvidiactl").exists() or Path("/dev/dri").exists():
        pytest.skip("this machine may have a gpu")
    rows = make_rows("native", n_classes=2)
    objective = Objective(n_classes=2, device="gpu")

    with pytest.raises(EnvironmentRefusal, match="gpu") as caught:
        family.prepare(rows.view, rows.y, weights=None, folds=make_folds(rows), objective=objective)

    assert caught.value.where == "train.device"


def _sure_rows(n_classes):
    """Rows whose labels follow almost wholly: gradients become so small that the order of their sums is seen."""
    random = np.random.default_rng(0)
    levels = (2, 2, 2, 3, 5, 8, 13, 30, 30, 84, 2, 2, 2, 6, 9, 12)
    which = random.integers(0, 6, 60_000)
    dense = [random.integers(0, k, which.size) for k in levels]
    sparse = [(random.random(which.size) < 0.02) * 1.0, (random.random(which.size) < 0.01) * random.integers(1, 5, 1)]
    X = np.column_stack([*dense, *sparse, *(which == k for k in range(4))]).astype(np.float32)
    z = X[:, 9] / 84 + X[:, 7] / 30 * X[:, 0] - X[:, 3] / 3 + X[:, 16] + 0.3 * X[:, 18]
    y = np.digitize(z + 0.05 * random.standard_normal(which.size), [0.8, 1.3][: n_classes - 1])
    positions = np.arange(y.size)
    fold = Fold(train=positions[positions % 10 != 0], valid=positions[positions % 10 == 0])
    return View(kind="native", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1]))), y.astype(np.int64), fold


@pytest.mark.parametrize(("n_classes", "is_weighted"), [(2, False), (2, True), (3, False)])
def test_no_order_of_sums_shows_in_a_model_of_lightgbm(n_classes, is_weighted, monkeypatch):
    view, y, fold = _sure_rows(n_classes)
    weights = 1.0 + y / 3 if is_weighted else None
    params = {"learning_rate": 0.2, "num_leaves": 31, "bagging_fraction": 0.8, "feature_fraction": 0.8}
    models = set()
    for is_row_wise, most_bins in ((False, 0), (True, 1_000_000)):
        monkeypatch.setattr(lightgbm_data, "_ROW_WISE_BINS", most_bins)
        objective = Objective(n_classes=n_classes)
        prepared = lightgbm.FAMILY.prepare(view, y, weights=weights, folds=[fold], objective=objective)
        assert lightgbm_data.fold_data(prepared, 0, binning={}, threads=1).is_row_wise == is_row_wise
        for threads in (1, 2, 3):
            limits = Limits(seed=0, threads=threads, max_rounds=70 if n_classes == 2 else 25)
            fitted = lightgbm.FAMILY.fit(prepared, 0, params=params, limits=limits)
            models.add(fitted.model.model_to_string().split("\nparameters:")[0])

    assert len(models) == 1


@pytest.mark.parametrize(
    ("family", "params"),
    [
        (lightgbm.FAMILY, {"boosting": "goss"}),
        (lightgbm.FAMILY, {"data_sample_strategy": "goss"}),
        (lightgbm.FAMILY, {"linear_tree": True}),
        (lightgbm.FAMILY, {"use_quantized_grad": True}),
        (xgboost.FAMILY, {"min_child_weight": 0.001, "lambda": 0.001}),
    ],
)
def test_nor_does_the_number_of_threads_with_parameters_that_nobody_searches(family, params):
    view, y, fold = _sure_rows(2)
    prepared = family.prepare(view, y, weights=None, folds=[fold], objective=Objective(n_classes=2))

    one, two, three = (
        family.fit(
            prepared,
            0,
            params={"learning_rate": 0.2, **params},
            limits=Limits(seed=0, threads=threads, max_rounds=40),
        ).valid_proba
        for threads in (1, 2, 3)
    )

    np.testing.assert_array_equal(two, one)
    np.testing.assert_array_equal(three, one)


def test_lightgbm_predicts_blocks_of_rows_on_one_thread_each(cancer, monkeypatch):
    X, y, fold = cancer
    prepared = _prepare(lightgbm.FAMILY, X, y, folds=[fold])
    model = lightgbm.FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=20)).model
    alone = lightgbm.FAMILY.predict_proba(model, X)
    told = []
    predict = model.predict
    monkeypatch.setattr(
        model, "predict", lambda rows, *, num_threads: told.append((len(rows), num_threads)) or predict(rows)
    )

    together = lightgbm.FAMILY.predict_proba(model, X, threads=4)

    np.testing.assert_array_equal(together, alone)
    assert [n_threads for _, n_threads in told] == [1, 1, 1, 1]
    assert sum(n_rows for n_rows, _ in told) == len(X)
    assert lightgbm.FAMILY.predict_proba(model, X[:2], threads=4).shape == (2, 2)
    assert lightgbm.FAMILY.predict_proba(model, X[:0], threads=4).shape == (0, 2)
