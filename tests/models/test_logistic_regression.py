"""The solver against scikit-learn's, and what is particular to the linear family."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mltrain.models import Fold, Limits, Objective, Shape, View
from mltrain.models.logistic_regression import FAMILY, solver
from mltrain.models.logistic_regression.bends import Bends
from mltrain.models.logistic_regression.sizing import most_rows


def _fit(X, y, params, *, weights=None, **limits):
    whole = Fold(train=np.arange(y.size), valid=np.arange(0))
    view = View(kind="one_hot", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))
    objective = Objective(n_classes=int(y.max()) + 1)
    prepared = FAMILY.prepare(view, y, weights=weights, folds=[whole], objective=objective)
    return FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0, **limits))


def _scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y.astype(np.int64)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_l2_finds_the_optimum_of_scikit_learn(load):
    X, y = _scaled(load)
    reference = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(X, y)

    fitted = _fit(X, y, {"C": 0.5, "penalty": "l2", "tol": 1e-10, "max_iter": 5000})

    np.testing.assert_allclose(FAMILY.predict_proba(fitted.model, X), reference.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(fitted.model.linear.coefficients, reference.coef_, atol=1e-3)


def test_l1_reaches_the_optimality_conditions():
    X, y = _scaled(load_breast_cancer)

    model = _fit(X, y, {"C": 0.1, "penalty": "l1", "tol": 1e-10, "max_iter": 5000}).model.linear

    # At the optimum the slope of C * loss is -sign(w) where a weight is used, and within [-1, 1] where it is 0.
    slope = 0.1 * X.T @ (model.proba(X)[:, 1] - y)
    weights = model.coefficients[0]
    used = np.abs(weights) > 1e-4
    np.testing.assert_allclose(slope[used], -np.sign(weights[used]), atol=2e-2)
    assert np.abs(slope).max() < 1.02
    assert 0 < used.sum() < X.shape[1] / 2


def test_sparse_rows_give_the_same_model():
    X, y = _scaled(load_wine)
    X = np.where(np.abs(X) < 0.5, 0.0, X)

    dense = _fit(X, y, {"C": 1.0})
    light = _fit(sparse.csr_matrix(X), y, {"C": 1.0})

    np.testing.assert_allclose(light.model.linear.coefficients, dense.model.linear.coefficients, atol=1e-6)
    np.testing.assert_allclose(light.model.linear.spread, dense.model.linear.spread, atol=1e-12)


def test_weights_are_repeated_rows():
    X, y = _scaled(load_breast_cancer)
    times = np.arange(y.size) % 3 + 1
    params = {"C": 0.3, "tol": 1e-9, "max_iter": 3000}

    weighted = _fit(X, y, params, weights=times.astype(float))
    repeated = _fit(np.repeat(X, times, axis=0), np.repeat(y, times), params)

    np.testing.assert_allclose(weighted.model.linear.coefficients, repeated.model.linear.coefficients, atol=1e-3)


def test_max_rounds_ends_the_solver_and_is_reported():
    X, y = _scaled(load_breast_cancer)

    fitted = _fit(X, y, {"C": 100.0}, max_rounds=3)

    assert fitted.n_rounds == 3


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_only_iterations_are_counted(monkeypatch, penalty):
    X, y = _scaled(load_wine)
    library, told = solver.minimize, []

    def minimize(*args, options, **settings):
        told.append(options)
        return library(*args, options=options, **settings)

    monkeypatch.setattr(solver, "minimize", minimize)
    first = _fit(X, y, {"penalty": penalty})
    again = _fit(X, y, {"penalty": penalty}, max_rounds=first.n_rounds)

    assert [options["maxfun"] for options in told] == [np.inf, np.inf]
    np.testing.assert_array_equal(again.model.linear.coefficients, first.model.linear.coefficients)


def test_a_single_class_is_certain():
    X, y = _scaled(load_breast_cancer)
    only = np.flatnonzero(y == 1)
    view = View(kind="one_hot", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))
    fold = Fold(train=only, valid=np.arange(5))
    prepared = FAMILY.prepare(view, y, weights=None, folds=[fold], objective=Objective(n_classes=2))

    fitted = FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0))

    np.testing.assert_array_equal(fitted.valid_proba, [[0.0, 1.0]] * 5)


@pytest.mark.parametrize(
    ("params", "named"),
    [({"C": 0}, "C"), ({"penalty": "l3"}, "penalty"), ({"c": 1}, "'c'"), ({"max_iter": True}, "max_iter")],
)
def test_wrong_parameters_are_named(params, named):
    X, y = _scaled(load_wine)

    with pytest.raises(ValueError, match=named):
        _fit(X, y, params)


def test_many_rows_are_sampled_by_their_filled_cells():
    dense = View(kind="one_hot", X=np.ones((200_000, 10), dtype=np.float32), feature_names=tuple("abcdefghij"))
    light = View(kind="one_hot", X=sparse.eye(200_000, 500, format="csr", dtype=np.float32), feature_names=())

    assert most_rows(dense, n_classes=2) == 24_000_000 // 11
    assert most_rows(dense, n_classes=230) == 24_000_000 // 240
    assert most_rows(dense, n_classes=2, n_bends=989) == 50_000
    assert most_rows(dense, n_classes=2, n_bends=9_589) == 10_000
    assert most_rows(light, n_classes=2) == int(24_000_000 / (500 / 200_000 + 1))


def test_a_sampled_fit_says_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 1)).astype(np.float32)
    y = np.r_[np.arange(600), (X[600:, 0] > 0)].astype(np.int64)

    fitted = _fit(X, y, {}, max_rounds=1)

    assert fitted.notes == ("learnt from 50000 of 60000 rows",)


def test_bends_and_filled_cells_count_in_the_forecast():
    narrow, wide, sparse = (
        Shape(n_samples=1_000, n_features=n_features, n_classes=2, n_filled=n_filled)
        for n_features, n_filled in ((20, 20), (400, 400), (400, 20))
    )
    straight = {"C": 0.3, "penalty": "l2"}

    assert FAMILY.work(straight, wide) > 3 * FAMILY.work(straight, narrow)
    assert FAMILY.work(straight, sparse) == FAMILY.work(straight, narrow)
    assert FAMILY.work({**straight, "n_knots": 8}, wide) > 8 * FAMILY.work(straight, wide)


def test_of_many_rows_to_validate_all_are_predicted_and_few_are_mapped_at_once(monkeypatch):
    X, y = _scaled(load_breast_cancer)
    X = X.astype(np.float32)
    folds = [Fold(train=np.arange(100), valid=np.arange(100, y.size))]
    view = View(kind="one_hot", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))

    def fit():
        prepared = FAMILY.prepare(view, y, weights=None, folds=folds, objective=Objective(n_classes=2))
        return FAMILY.fit(prepared, 0, params={"C": 0.1, "n_knots": 4}, limits=Limits(seed=0))

    whole = fit()
    monkeypatch.setattr("mltrain.models.logistic_regression._MOST_WATCHED", 50)
    monkeypatch.setattr("mltrain.models.logistic_regression._BLOCK", 50)
    mapped = []
    apply = Bends.apply
    monkeypatch.setattr(Bends, "apply", lambda self, rows: mapped.append(len(rows)) or apply(self, rows))

    some = fit()

    np.testing.assert_allclose(some.valid_proba, whole.valid_proba, rtol=1e-5)
    np.testing.assert_allclose(some.valid_losses, whole.valid_losses, rtol=0.5)
    assert max(mapped) <= 100
