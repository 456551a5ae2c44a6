"""What is particular to the forests."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from mltrain.models import Fold, Limits, Objective, Shape, View
from mltrain.models.framing import frame, unframe
from mltrain.models.random_forest import FAMILY
from mltrain.models.random_forest.sizing import ForestSize, size_forest


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return X.astype(np.float32), y.astype(np.int64)


def _fit(X, y, params, *, fold=None, **limits):
    fold = fold or Fold(train=np.arange(y.size), valid=np.arange(0))
    view = View(kind="ordinal", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))
    prepared = FAMILY.prepare(view, y, weights=None, folds=[fold], objective=Objective(n_classes=int(y.max()) + 1))
    return FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=3, **limits))


def test_one_tree_without_sampling_is_that_of_scikit_learn(cancer):
    X, y = cancer
    params = {"bootstrap": False, "max_features": None, "max_depth": 2, "n_estimators": 1}
    reference = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)

    model = _fit(X, y, params).model

    # The class shares count as one more tree.
    prior = (np.bincount(y) + 1) / (y.size + 2)
    np.testing.assert_allclose(FAMILY.predict_proba(model, X), (reference.predict_proba(X) + prior) / 2, atol=1e-6)
    assert np.argmax(FAMILY.importances(model, 30)) == np.argmax(reference.feature_importances_)


@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"criterion": "entropy", "min_samples_leaf": 5, "max_features": 0.4},
        {"criterion": "log_loss", "max_depth": 4, "max_features": "log2"},
        {"min_samples_split": 9, "max_features": 3},
        {"max_features": None, "min_samples_split": 4, "min_samples_leaf": 3},
    ],
)
def test_a_tree_is_the_estimators_own(cancer, params, bootstrap, extra):
    X, y = cancer
    params = {**params, "bootstrap": bootstrap, "extra_trees": extra}

    plain = _fit(X, y, params, max_rounds=3).model
    # Named, it changes nothing, but it is not plain any more.
    by_estimator = _fit(X, y, {**params, "min_impurity_decrease": 0.0}, max_rounds=3).model

    for one, other in zip(plain.trees, by_estimator.trees, strict=True):
        np.testing.assert_array_equal(one.__getstate__()["nodes"], other.__getstate__()["nodes"])
        np.testing.assert_array_equal(one.value, other.value)


@pytest.mark.parametrize("extra", [False, True])
def test_forests_rank_well(cancer, extra):
    X, y = cancer
    even = np.arange(y.size) % 2 == 0
    fold = Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))

    fitted = _fit(X, y, {"extra_trees": extra, "bootstrap": not extra, "n_estimators": 60}, fold=fold)

    assert roc_auc_score(y[fold.valid], fitted.valid_proba[:, 1]) > 0.98
    assert fitted.loss_rounds == (8, 16, 24, 32, 40, 48, 56, 60)


def test_fewer_trees_are_the_first_of_more(cancer):
    X, y = cancer

    few = _fit(X, y, {}, max_rounds=5, threads=2).model
    many = _fit(X, y, {}, max_rounds=9).model

    for one, other in zip(few.trees, many.trees, strict=False):
        np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_large_data_is_sampled_for_each_tree_and_said_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 60)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)

    fitted = _fit(X, y, {"max_depth": 2}, max_rounds=1)

    assert fitted.notes == ("each tree saw 25000 of 40000 rows",)


def test_a_deadline_ends_within_a_tree(cancer):
    X, y = cancer
    began = time.monotonic()

    fitted = _fit(X, y, {"n_estimators": 100_000}, deadline=began + 0.3)

    assert fitted.stopped == "deadline"
    assert 1 <= fitted.n_rounds < 100_000
    assert time.monotonic() - began < 2.0


@pytest.fixture(scope="module")
def stored(cancer):
    payload = unframe("random_forest", FAMILY.dump(_fit(*cancer, {}, max_rounds=2).model))
    with np.load(io.BytesIO(payload)) as archive:
        return {name: archive[name] for name in archive.files}


def _load(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return FAMILY.load(frame("random_forest", buffer.getvalue()))


@pytest.mark.parametrize(("name", "value"), [("left_child", 0), ("right_child", 10_000), ("feature", 30)])
def test_trees_that_would_loop_or_read_beyond_are_refused(stored, name, value):
    broken = stored[name].copy()
    broken[0] = value

    with pytest.raises(ValueError, match="not a forest"):
        _load({**stored, name: broken})


@pytest.mark.parametrize("has_values", [True, False])
def test_a_leaf_that_scikit_learn_does_not_take_for_one_is_refused(stored, has_values):
    left_child = stored["left_child"].copy()
    left_child[np.flatnonzero(left_child == -1)[0]] = -2
    leaf_values = stored["leaf_values"] if has_values else stored["leaf_values"][1:]

    with pytest.raises(ValueError, match="not a forest"):
        _load({**stored, "left_child": left_child, "leaf_values": leaf_values})


@pytest.mark.parametrize(("name", "value"), [("left_child", 0.5), ("feature", np.nan)])
def test_nodes_that_are_no_whole_numbers_are_refused(stored, name, value):
    broken = stored[name].astype(np.float64)
    broken[0] = value

    with pytest.raises(ValueError, match="whole numbers"):
        _load({**stored, name: broken})


@pytest.mark.parametrize("n_features", [29, 31])
def test_rows_of_other_features_are_refused(stored, n_features):
    with pytest.raises(ValueError, match=f"grown on 30 features, the rows have {n_features}"):
        FAMILY.predict_proba(_load(stored), np.zeros((2, n_features), dtype=np.float32))


@pytest.mark.parametrize("params", [{"min_samples_leaf": 0}, {"criterion": "x"}, {"max_features": 2.0}])
def test_values_that_scikit_learn_refuses_are_value_errors(cancer, params):
    X, y = cancer

    with pytest.raises(ValueError, match=next(iter(params))):
        _fit(X, y, params, max_rounds=2)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape(n_samples=800, n_features=20, n_classes=2), ForestSize(n_rows=800, n_trees=100)),
        (Shape(n_samples=20_000, n_features=20, n_classes=2), ForestSize(n_rows=20_000, n_trees=100)),
        # At most 400 MB of nodes, twice as many as rows, of 64 bytes and 8 a class.
        (Shape(n_samples=2_000_000, n_features=30, n_classes=2), ForestSize(n_rows=50_000, n_trees=50)),
        (Shape(n_samples=20_000, n_features=4, n_classes=28), ForestSize(n_rows=20_000, n_trees=34)),
        (Shape(n_samples=20_000, n_features=4, n_classes=500), ForestSize(n_rows=6_151, n_trees=8)),
    ],
)
def test_forests_are_sized_by_rows_features_and_classes(shape, expected):
    assert size_forest(shape) == expected


def test_a_best_cut_is_dearer_where_values_differ():
    alike, different = (Shape(n_samples=1_000, n_features=30, n_classes=2, distinct=share) for share in (0.01, 1.0))
    unknown = Shape(n_samples=1_000, n_features=30, n_classes=2)

    assert FAMILY.work({}, alike) < FAMILY.work({}, unknown) < FAMILY.work({}, different)
    assert FAMILY.work({"extra_trees": True}, alike) == FAMILY.work({"extra_trees": True}, different)


def test_features_that_a_cut_looks_at_may_be_counted_or_a_share():
    shape = Shape(n_samples=1_000, n_features=100, n_classes=2)

    assert FAMILY.work({"max_features": 3}, shape) == FAMILY.work({"max_features": 0.03}, shape)
    assert FAMILY.work({"max_features": 1}, shape) < FAMILY.work({"max_features": 1.0}, shape)
    assert FAMILY.work({"max_features": "sqrt"}, shape) == FAMILY.work({"max_features": 10}, shape)


def test_a_view_knows_how_much_its_values_differ():
    random = np.random.default_rng(0)
    columns = (np.zeros(5_000), random.integers(0, 10, 5_000), random.standard_normal(5_000))

    shares = [
        View(kind="ordinal", X=column.astype(np.float32)[:, None], feature_names=("a",)).describe(n_classes=2).distinct
        for column in columns
    ]

    assert shares == pytest.approx([0.001, 0.01, 1.0], abs=2e-3)
