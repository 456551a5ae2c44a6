"""Linear models of how close a row is to landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel

from mltrain.models import Fold, Limits, ModelFamily, Objective, Shape, View
from mltrain.models.logistic_regression import FAMILY, LogisticRegression
from mltrain.models.logistic_regression.landmarks import place_landmarks
from mltrain.space import Params
from mltrain.testing.model_family import ModelFamilyContract


def _fit(X, y, *, fold=None, **params):
    whole = Fold(train=np.arange(y.size), valid=np.arange(0))
    view = View(kind="one_hot", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))
    prepared = FAMILY.prepare(
        view, y, weights=None, folds=[fold or whole], objective=Objective(n_classes=int(y.max()) + 1)
    )
    return FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0))


def _rings(n_samples=1_500, seed=0):
    """Return rows whose class says how far they are from the middle of two features; a third says nothing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 3)).astype(np.float32)
    return X, (np.hypot(X[:, 0], X[:, 1]) > 1.2).astype(np.int64)


def test_closeness_falls_with_distance_and_is_the_gaussian_kernel():
    X, _ = _rings(n_samples=200)

    landmarks = place_landmarks(X, n_landmarks=20, reach=0.8, seed=(0, 0))

    np.testing.assert_allclose(
        landmarks.apply(X), rbf_kernel(X, landmarks.rows, gamma=landmarks.decay), rtol=2e-4, atol=1e-6
    )


def test_features_of_the_basis_give_the_kernel_back():
    X, _ = _rings(n_samples=100)
    landmarks = place_landmarks(X.astype(np.float64), n_landmarks=30, reach=0.5, seed=(0, 0))
    rows = landmarks.rows.astype(np.float64)

    features = landmarks.apply(rows) @ landmarks.basis()

    np.testing.assert_allclose(features @ features.T, 30 * landmarks.apply(rows), atol=1e-3)


def test_landmarks_find_what_no_sum_of_features_tells():
    X, _ = _rings()
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)  # which quarter: neither feature alone says anything

    fitted = _fit(X[:1_000], y[:1_000], n_landmarks=200, reach=0.5, C=10.0)
    bent = _fit(X[:1_000], y[:1_000], n_knots=8)

    assert roc_auc_score(y[1_000:], FAMILY.predict_proba(bent.model, X[1_000:])[:, 1]) < 0.6
    assert roc_auc_score(y[1_000:], FAMILY.predict_proba(fitted.model, X[1_000:])[:, 1]) > 0.97


def test_validation_rows_are_predicted_as_the_kept_model_predicts_them():
    X, y = _rings()
    fold = Fold(train=np.arange(1_000), valid=np.arange(1_000, 1_500))

    fitted = _fit(X, y, fold=fold, n_landmarks=100, reach=0.7)

    np.testing.assert_array_equal(FAMILY.predict_proba(fitted.model, X[1_000:]), fitted.valid_proba)


def test_a_row_is_predicted_alike_in_whatever_company():
    X, y = _rings()
    model = _fit(X, y, n_landmarks=400, reach=1.4, C=30.0).model

    together = FAMILY.predict_proba(model, X)

    np.testing.assert_allclose(FAMILY.predict_proba(model, X[:7]), together[:7], atol=1e-9)
    np.testing.assert_allclose(FAMILY.predict_proba(model, sparse.csr_matrix(X)), together, atol=1e-9)


def test_sparse_rows_are_measured_alike():
    X, y = _rings()
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    light = sparse.csr_matrix(X)

    dense, sparsely = (_fit(rows, y, n_landmarks=50, tol=1e-9, max_iter=2_000) for rows in (X, light))

    np.testing.assert_allclose(
        FAMILY.predict_proba(sparsely.model, light), FAMILY.predict_proba(dense.model, X), atol=2e-3
    )


def test_landmarks_are_rows_of_the_fold_and_half_of_them_at_most():
    X, y = _rings(n_samples=90)
    X[60:] += 100

    fitted = _fit(X, y, fold=Fold(train=np.arange(60), valid=np.arange(60, 90)), n_landmarks=400)

    assert fitted.model.features.rows.shape == (30, 3)
    assert fitted.model.features.rows.max() < 50


def test_three_classes_and_one():
    X, _ = _rings()
    y = np.digitize(np.hypot(X[:, 0], X[:, 1]), [0.8, 1.5]).astype(np.int64)

    fitted = _fit(X, y, n_landmarks=100, reach=0.5, C=3.0)

    assert (FAMILY.predict_proba(fitted.model, X).argmax(axis=1) == y).mean() > 0.95
    lonely = _fit(X[:10], np.zeros(10, dtype=np.int64), n_landmarks=5)
    assert FAMILY.predict_proba(lonely.model, X[:3]).shape == (3, 1)


def test_rows_that_are_all_the_same_do_not_break_it():
    y = np.tile([0, 1], 10)

    fitted = _fit(np.ones((20, 2), dtype=np.float32), y, n_landmarks=5)

    np.testing.assert_allclose(FAMILY.predict_proba(fitted.model, np.ones((3, 2), dtype=np.float32)), 0.5, atol=1e-3)


def test_a_feature_that_says_nothing_counts_for_little():
    X, y = _rings()

    importances = FAMILY.importances(_fit(X, y, n_landmarks=200, reach=0.7).model, 3)

    assert importances.sum() == pytest.approx(1)
    assert importances[2] < 0.5 * min(importances[:2])


def test_a_model_survives_its_file():
    X, y = _rings()
    model = _fit(X, y, n_landmarks=40).model

    loaded = FAMILY.load(FAMILY.dump(model))

    np.testing.assert_array_equal(FAMILY.predict_proba(loaded, X), FAMILY.predict_proba(model, X))
    assert loaded.n_features == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("landmarks", np.zeros((3, 3), dtype=np.float32)),
        ("landmarks", np.full((5, 3), np.nan, dtype=np.float32)),
        ("landmarks", np.zeros(5, dtype=np.float32)),
        ("decay", np.float64(-1)),
        ("decay", np.float64(np.nan)),
    ],
)
def test_a_file_whose_landmarks_are_wrong_is_refused(name, value, with_array):
    model = _fit(*_rings(), n_landmarks=5).model

    with pytest.raises(ValueError, match="not a logistic regression"):
        FAMILY.load(with_array(FAMILY, model, name, value))


@pytest.mark.parametrize(("name", "value"), [("n_landmarks", -1), ("n_landmarks", "many"), ("reach", 0.0)])
def test_a_wrong_number_is_named(name, value):
    X, y = _rings(n_samples=50)

    with pytest.raises(ValueError, match=name):
        _fit(X, y, **{"n_landmarks": 5, name: value})


@pytest.mark.parametrize(
    ("n_samples", "n_features", "n_classes", "wanted"),
    [(20_000, 1_000, 2, 1), (20_000, 2, 3, 2), (20_001, 50, 2, 0), (900, 1_001, 3, 0)],
)
def test_landmarks_are_tried_where_rows_are_few_and_columns_are_not_many(n_samples, n_features, n_classes, wanted):
    shape = Shape(n_samples=n_samples, n_features=n_features, n_classes=n_classes)

    assert [FAMILY.variant(params) for params in FAMILY.first_trials(shape)].count("landmarks") == wanted
    assert "n_landmarks" not in FAMILY.space(shape)


def test_predictions_cost_what_landmarks_and_columns_cost():
    assert FAMILY.model_us({"n_landmarks": 0}, 60) == FAMILY.model_us({}, 60) == 0
    assert FAMILY.model_us({"n_landmarks": 400}, 60) == 2 * FAMILY.model_us({"n_landmarks": 200}, 60)
    assert FAMILY.model_us({"n_landmarks": 400}, 1_000) > 3 * FAMILY.model_us({"n_landmarks": 400}, 60)


class _ByLandmarks(LogisticRegression):
    """The linear family where every trial goes by landmarks."""

    def first_trials(self, shape: Shape) -> Sequence[Params]:
        few = replace(shape, n_samples=min(shape.n_samples, 20_000))
        return [params for params in super().first_trials(few) if self.variant(params) == "landmarks"]


class TestByLandmarks(ModelFamilyContract):
    @pytest.fixture
    def family(self) -> ModelFamily:
        return _ByLandmarks()
