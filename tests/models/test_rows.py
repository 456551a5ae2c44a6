from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from mltrain.models import Fold, Objective, View
from mltrain.models.rows import fold_rows, pick_categorical, pick_rows, prepare_rows

X = np.arange(24, dtype=np.float32).reshape(8, 3)


def _prepared(n_train, *, seed=0):
    view = View(kind="one_hot", X=X, feature_names=("a", "b", "c"))
    folds = [Fold(train=np.arange(n_train), valid=np.arange(n_train, 8))] * 2
    y = np.arange(8) % 2
    return prepare_rows(view, y, weights=np.arange(8.0), folds=folds, objective=Objective(n_classes=2, seed=seed))


def test_rows_that_stand_together_are_not_copied():
    assert np.shares_memory(pick_rows(X, np.arange(2, 6)), X)
    assert not np.shares_memory(pick_rows(X, np.array([2, 4, 5])), X)


@pytest.mark.parametrize("rows", [np.arange(2, 6), np.array([0, 3, 7]), np.arange(0)])
@pytest.mark.parametrize("features", [None, np.array([0, 2])])
def test_picked_rows_are_those_of_numpy(rows, features):
    expected = X[rows] if features is None else X[np.ix_(rows, features)]

    picked = pick_rows(X, rows, features)

    np.testing.assert_array_equal(picked, expected)
    assert picked.flags.c_contiguous
    np.testing.assert_array_equal(pick_rows(sparse.csr_matrix(X), rows, features).toarray(), expected)


@pytest.mark.parametrize(
    ("categorical", "features", "expected"),
    [((1, 4), None, [1, 4]), ((1, 4), np.array([0, 1, 3, 4]), [1, 3]), ((2,), np.array([0, 1]), []), ((), None, [])],
)
def test_categories_are_found_among_the_chosen_features(categorical, features, expected):
    assert pick_categorical(categorical, features) == expected


def test_a_sample_of_the_training_rows_is_the_same_each_time():
    prepared = _prepared(6)

    one, two, other = (fold_rows(prepared, fold, most_rows=4) for fold in (0, 0, 1))

    assert one.X.shape == (4, 3)
    np.testing.assert_array_equal(one.X, two.X)
    assert not np.array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.weights * 3, one.X[:, 0])
    np.testing.assert_array_equal(one.X_valid, X[6:])
    assert fold_rows(prepared, 0, most_rows=6).X.shape == (6, 3)


def test_another_seed_takes_another_sample_of_the_training_rows():
    samples = [fold_rows(_prepared(6, seed=seed), 0, most_rows=3).X[:, 0].tolist() for seed in range(6)]

    assert len(set(map(tuple, samples))) > 1


def test_a_sample_keeps_the_shares_of_the_classes():
    y = np.array([0] * 900 + [1] * 90 + [2] * 10)
    view = View(kind="native", X=np.arange(1000, dtype=np.float32)[:, None], feature_names=("x",))
    folds = (Fold(train=np.arange(1000), valid=np.empty(0, dtype=np.intp)),)
    prepared = prepare_rows(view, y, weights=None, folds=folds, objective=Objective(n_classes=3))

    sample = fold_rows(prepared, 0, most_rows=100)

    assert np.bincount(sample.y).tolist() == [90, 9, 1]
    np.testing.assert_array_equal(y[sample.X[:, 0].astype(int)], sample.y)
