"""Where a linear model bends, and what that does to its fits."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from mltrain.models import Fold, Limits, Objective, View
from mltrain.models.logistic_regression import FAMILY
from mltrain.models.logistic_regression.bends import place_bends


def _fit(X, y, *, fold=None, weights=None, **params):
    whole = Fold(train=np.arange(y.size), valid=np.arange(0))
    view = View(kind="one_hot", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))
    objective = Objective(n_classes=int(y.max()) + 1)
    prepared = FAMILY.prepare(view, y, weights=weights, folds=[fold or whole], objective=objective)
    return FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0))


def _hill(n_samples=4_000, seed=0):
    """Return rows whose odds rise and fall with the first of two numbers, and a category as 0/1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 3)).astype(np.float32)
    X[:, 2] = X[:, 2] > 0
    odds = 2 - 3 * np.abs(X[:, 0]) + 0.3 * X[:, 1]
    return X, (rng.random(n_samples) < 1 / (1 + np.exp(-odds))).astype(np.int64)


def test_knots_are_quantiles_of_numbers_and_of_nothing_else():
    X, _ = _hill()

    bends = place_bends(X, n_knots=3)

    assert bends.columns.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(bends.knots[:3], np.quantile(X[:, 0], [0.25, 0.5, 0.75]), rtol=1e-6)


def test_few_values_bend_where_they_lie():
    X = np.array([[1.0], [2.0], [2.0], [3.0], [5.0]])

    assert place_bends(X, n_knots=4).knots.tolist() == [2.0, 3.0]
    assert place_bends(X[:4], n_knots=1).knots.tolist() == [2.0]


def test_an_amount_that_is_mostly_0_bends_among_the_others():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((1_000, 1)) < 0.9, 0.0, rng.exponential(size=(1_000, 1)))

    bends = place_bends(X, n_knots=3)

    np.testing.assert_allclose(bends.knots, np.quantile(X[X > 0], [0.25, 0.5, 0.75]), rtol=1e-6)


@pytest.mark.parametrize("X", [np.zeros((5, 2)), np.ones((5, 2)), np.array([[0.0], [1.0]]), np.zeros((0, 3))])
def test_nothing_bends_where_there_are_two_values_at_most(X):
    bends = place_bends(X, n_knots=5)

    assert bends.n_bends == 0
    assert bends.apply(X) is X


def test_sparse_rows_bend_alike():
    X, y = _hill()
    X = np.where(np.abs(X) < 0.5, 0.0, X).astype(np.float32)
    light = sparse.csr_matrix(X)

    bends, same = place_bends(X, n_knots=4), place_bends(light, n_knots=4)

    np.testing.assert_array_equal(same.columns, bends.columns)
    np.testing.assert_array_equal(same.knots, bends.knots)
    np.testing.assert_array_equal(same.apply(light).toarray(), bends.apply(X))
    assert same.apply(light).dtype == np.float32
    X, light = X.astype(np.float64), light.astype(np.float64)
    dense, sparsely = (_fit(rows, y, n_knots=4, tol=1e-9, max_iter=2000) for rows in (X, light))
    np.testing.assert_allclose(
        FAMILY.predict_proba(sparsely.model, light), FAMILY.predict_proba(dense.model, X), atol=1e-3
    )


def test_bends_find_what_rises_and_falls():
    X, y = _hill()
    X_test, y_test = _hill(seed=1)

    straight, bent = _fit(X, y), _fit(X, y, n_knots=4)

    scores = [roc_auc_score(y_test, FAMILY.predict_proba(fitted.model, X_test)[:, 1]) for fitted in (straight, bent)]
    assert scores[0] < 0.6
    assert scores[1] > 0.8


def test_knots_are_placed_on_training_rows_alone():
    X, y = _hill(n_samples=400)
    X[300:] += 100

    fitted = _fit(X, y, fold=Fold(train=np.arange(300), valid=np.arange(300, 400)), n_knots=5)

    assert fitted.model.features.knots.max() < 50
    assert fitted.valid_proba.shape == (100, 2)


def test_a_bend_counts_for_its_feature():
    X, y = _hill()

    importances = FAMILY.importances(_fit(X, y, n_knots=4).model, 3)

    assert importances.shape == (3,)
    assert importances.sum() == pytest.approx(1)
    assert importances[0] > 0.7


def test_a_bent_model_survives_its_file():
    X, y = _hill()
    model = _fit(X, y, n_knots=4).model

    loaded = FAMILY.load(FAMILY.dump(model))

    np.testing.assert_array_equal(FAMILY.predict_proba(loaded, X), FAMILY.predict_proba(model, X))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bend_columns", np.array([0, 3])),
        ("bend_columns", np.array([-1, 0])),
        ("bend_columns", np.array([0])),
        ("bend_knots", np.array([0.5, np.nan], dtype=np.float32)),
    ],
)
def test_a_file_that_bends_wrongly_is_refused(name, value, with_array):
    model = _fit(*_hill(), n_knots=1).model

    with pytest.raises(ValueError, match="not a logistic regression"):
        FAMILY.load(with_array(FAMILY, model, name, value))


@pytest.mark.parametrize("n_knots", [-1, 101, "many", True])
def test_a_wrong_number_of_knots_is_named(n_knots):
    X, y = _hill(n_samples=50)

    with pytest.raises(ValueError, match="n_knots"):
        _fit(X, y, n_knots=n_knots)


def test_bends_cost_rows_where_rows_are_many():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120_000, 20)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    tracemalloc.start()

    fitted = _fit(X, y, n_knots=20, max_iter=1)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fitted.notes == (f"learnt from {24_000_000 // 421} of 120000 rows",)
    assert peak < 400e6
