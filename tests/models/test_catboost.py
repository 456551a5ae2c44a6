"""What is particular to CatBoost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from catboost import CatBoost, CatBoostError, Pool
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss

from mltrain import plugins
from mltrain.models import Fold, Limits, Objective, View
from mltrain.models.catboost import FAMILY
from mltrain.models.framing import frame
from mltrain.testing.family_data import make_folds, make_rows


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    even = np.arange(y.size) % 2 == 0
    return X.astype(np.float32), y.astype(np.int64), Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))


def _prepare(X, y, *, folds, categorical=(), n_classes=None, weights=None):
    names = tuple(f"f{i}" for i in range(X.shape[1]))
    view = View(kind="native", X=X, feature_names=names, categorical=categorical)
    objective = Objective(n_classes=n_classes or int(y.max()) + 1)
    return FAMILY.prepare(view, y, weights=weights, folds=folds, objective=objective)


def _with_many_levels(n_samples=2000):
    """Return rows whose class follows from a number and from a category of 40 levels, too many for one-hot below."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, n_samples)
    X = np.column_stack([rng.normal(size=n_samples), codes]).astype(np.float32)
    return X, ((codes % 3 == 0) ^ (X[:, 0] > 0)).astype(np.int64), codes


def test_it_is_registered():
    assert plugins.load("models", "catboost") is FAMILY


def test_early_stopping_keeps_the_best_round(cancer):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])

    fitted = FAMILY.fit(prepared, 0, params={"learning_rate": 0.3}, limits=Limits(seed=0))

    assert fitted.stopped == "early"
    assert fitted.n_rounds == fitted.loss_rounds[int(np.argmin(fitted.valid_losses))]
    assert fitted.model.tree_count_ == fitted.n_rounds
    assert min(fitted.valid_losses) == pytest.approx(log_loss(y[fold.valid], fitted.valid_proba), abs=1e-9)


def test_a_refit_with_the_best_rounds_is_the_same_model(cancer):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])
    first = FAMILY.fit(prepared, 0, params={"learning_rate": 0.2}, limits=Limits(seed=0))

    limits = Limits(seed=0, max_rounds=first.n_rounds)
    again = FAMILY.fit(prepared, 0, params={"learning_rate": 0.2}, limits=limits)

    assert FAMILY.dump(again.model) == FAMILY.dump(first.model)


def test_it_fits_what_the_library_fits_on_plain_rows(cancer):
    X, y, fold = cancer
    library = CatBoost(
        {
            "loss_function": "Logloss",
            "iterations": 30,
            "learning_rate": 0.1,
            "random_seed": 7,
            "thread_count": 1,
            "logging_level": "Silent",
            "allow_writing_files": False,
        }
    )
    library.fit(Pool(X[fold.train], label=y[fold.train]))

    prepared = _prepare(X, y, folds=[fold])
    fitted = FAMILY.fit(prepared, 0, params={"learning_rate": 0.1}, limits=Limits(seed=7, max_rounds=30))

    expected = library.predict(X, prediction_type="Probability", ntree_end=fitted.n_rounds)
    np.testing.assert_allclose(FAMILY.predict_proba(fitted.model, X), expected, atol=1e-12)


@pytest.mark.parametrize("method", ["Newton", "Gradient"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_leaves_are_estimated_alike_however_many_rounds_are_asked_for(n_classes, method):
    rows = make_rows("native", n_classes=n_classes)
    prepared = FAMILY.prepare(
        rows.view, rows.y, weights=None, folds=make_folds(rows), objective=Objective(n_classes=n_classes)
    )
    params = {"learning_rate": 0.1, "leaf_estimation_method": method}

    few, many = (
        FAMILY.fit(prepared, 0, params={**params, "iterations": n}, limits=Limits(seed=0)).train_losses
        for n in (12, 400)
    )

    assert (few[0], few[2], few[4]) == many[:3]  # of 400 rounds every second is looked at


def test_losses_of_many_rounds_are_looked_at_every_few(cancer):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])
    params = {"learning_rate": 0.003, "iterations": 450}
    fitted = FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0))

    assert fitted.loss_rounds[:3] == (1, 3, 5)
    assert fitted.loss_rounds[-1] == 450
    assert fitted.stopped == "done"


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("one_hot", [2, 100])
def test_one_two_and_four_threads_give_the_same_bytes(n_classes, one_hot):
    X, y, codes = _with_many_levels()
    y = y if n_classes == 2 else (y + (codes % 2)).astype(np.int64)
    fold = Fold(train=np.arange(1500), valid=np.arange(1500, 2000))
    params = {"one_hot_max_size": one_hot, "subsample": 0.7, "bootstrap_type": "Bernoulli", "rsm": 0.5}

    dumps = set()
    for threads in (1, 2, 4):
        prepared = _prepare(X, y, folds=[fold], categorical=(1,))
        fitted = FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0, max_rounds=20, threads=threads))
        dumps.add(FAMILY.dump(fitted.model))

    assert len(dumps) == 1


@pytest.mark.parametrize("one_hot", [2, 100])
def test_categories_and_gaps_that_training_rows_lack_are_scored_as_predicted(one_hot):
    X, y, codes = _with_many_levels()
    unseen = np.isin(codes, [5, 39])
    X[np.flatnonzero(unseen)[::3], 0] = np.nan
    X[np.flatnonzero(unseen)[::4], 1] = np.nan
    fold = Fold(train=np.flatnonzero(~unseen), valid=np.flatnonzero(unseen))
    prepared = _prepare(X, y, folds=[fold], categorical=(1,))

    params = {"one_hot_max_size": one_hot}
    fitted = FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0, max_rounds=20))

    assert min(fitted.valid_losses) == pytest.approx(log_loss(y[fold.valid], fitted.valid_proba), abs=1e-9)
    np.testing.assert_array_equal(FAMILY.predict_proba(fitted.model, X[fold.valid]), fitted.valid_proba)


def test_some_rows_are_predicted_as_among_all():
    X, y, _ = _with_many_levels()
    prepared = _prepare(X, y, folds=[Fold(train=np.arange(2000), valid=np.arange(0))], categorical=(1,))
    model = FAMILY.fit(prepared, 0, params={"one_hot_max_size": 2}, limits=Limits(seed=0, max_rounds=20)).model

    everything = FAMILY.predict_proba(model, X)

    for rows in (slice(0, 1), slice(7, 30)):
        np.testing.assert_array_equal(FAMILY.predict_proba(model, X[rows]), everything[rows])


def test_a_class_that_training_rows_lack_is_neither_learnt_nor_told_to_the_terminal(capfd):
    rows = make_rows("native", n_classes=4)
    is_last = rows.y == 3
    train = np.flatnonzero(~is_last)
    fold = Fold(train=train[::2], valid=np.sort(np.concatenate([train[1::2], np.flatnonzero(is_last)])))
    prepared = _prepare(rows.view.X, rows.y, folds=[fold], categorical=(2,))

    fitted = FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=20))

    assert (fitted.valid_proba[:, 3] == 0).all()
    known = rows.y[fold.valid] != 3
    expected = log_loss(rows.y[fold.valid][known], fitted.valid_proba[known][:, :3])
    assert min(fitted.valid_losses) == pytest.approx(expected, abs=1e-9)
    assert capfd.readouterr() == ("", "")


def test_a_rare_class_does_not_diverge():
    rng = np.random.default_rng(3)
    y = np.sort(np.r_[np.arange(12).repeat(150), [10] * 5, [11] * 5, np.full(6, 12)]).astype(np.int64)
    X = (np.eye(13)[y] @ rng.normal(size=(13, 6)) + rng.normal(size=(y.size, 6))).astype(np.float32)
    even = np.arange(y.size) % 2 == 0
    fold = Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))

    prepared = _prepare(X, y, folds=[fold])
    fitted = FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=100))

    assert log_loss(y[fold.valid], fitted.valid_proba, labels=range(13)) < np.log(13)


@pytest.mark.parametrize("what", ["one class", "no variance"])
def test_rows_with_nothing_to_learn_from_are_a_value_error_of_the_fit(what):
    X = np.zeros((40, 1), dtype=np.float32)
    y = np.arange(40) % 2 if what == "no variance" else np.zeros(40, dtype=np.int64)
    prepared = _prepare(X, y, folds=[Fold(train=np.arange(40), valid=np.arange(0))], n_classes=2)

    with pytest.raises(ValueError, match="same class" if what == "one class" else "constant"):
        FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0))


def test_one_feature_is_enough(cancer):
    X, y, fold = cancer
    prepared = _prepare(X[:, :1], y, folds=[fold])

    fitted = FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=50))

    assert log_loss(y[fold.valid], fitted.valid_proba) < 0.4
    np.testing.assert_array_equal(FAMILY.importances(fitted.model, 1), [1.0])


def test_synonyms_rounds_and_quantization_are_the_users_to_fix(cancer):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])
    limits = Limits(seed=0, max_rounds=15)

    plain = FAMILY.fit(prepared, 0, params={"learning_rate": 0.2}, limits=limits)
    named = FAMILY.fit(prepared, 0, params={"eta": 0.2, "learning_rate": 0.7}, limits=limits)
    coarse = FAMILY.fit(prepared, 0, params={"learning_rate": 0.2, "max_bin": 4}, limits=limits)
    few = FAMILY.fit(prepared, 0, params={"n_estimators": 4}, limits=limits)

    np.testing.assert_array_equal(named.valid_proba, plain.valid_proba)
    assert not np.array_equal(coarse.valid_proba, plain.valid_proba)
    assert few.n_rounds <= 4


@pytest.mark.parametrize(
    ("device", "expected"), [("gpu", {"border_count": 32, "nan_mode": "Max"}), ("cpu", {})], ids=["gpu", "cpu"]
)
def test_the_library_is_told_how_to_quantize_where_pools_are_not(cancer, monkeypatch, device, expected):
    X, y, fold = cancer
    view = View(kind="native", X=X, feature_names=tuple(f"f{i}" for i in range(X.shape[1])))
    told = {}

    def look(data, *, params, **_):
        told.update(params, is_quantized=data.train.is_quantized())
        raise CatBoostError("enough is known")

    monkeypatch.setattr("mltrain.models.catboost.data.get_gpu_device_count", lambda: 1)
    monkeypatch.setattr("mltrain.models.catboost.boost", look)
    objective = Objective(n_classes=2, device=device)
    prepared = FAMILY.prepare(view, y, weights=None, folds=[fold], objective=objective)

    with pytest.raises(ValueError, match="enough is known"):
        FAMILY.fit(prepared, 0, params={"max_bin": 32, "nan_mode": "Max"}, limits=Limits(seed=0))

    assert {name: told[name] for name in ("border_count", "nan_mode") if name in told} == expected
    assert told["is_quantized"] == (device == "cpu")


@pytest.mark.parametrize(
    "name", ["model_shrink_rate", "model_shrink_mode", "langevin", "diffusion_temperature", "posterior_sampling"]
)
def test_what_shrinks_a_model_as_it_grows_is_no_parameter(cancer, name):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])

    with pytest.raises(ValueError, match=f"no parameter '{name}'"):
        FAMILY.fit(prepared, 0, params={name: 0.1}, limits=Limits(seed=0, max_rounds=5))

    assert name not in FAMILY.parameters


@pytest.mark.parametrize("params", [{"depth": 99}, {"border_count": -3}, {"bootstrap_type": "Bootstrap"}], ids=str)
def test_a_value_that_the_library_refuses_is_a_value_error(cancer, params):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])

    with pytest.raises(ValueError, match=next(iter(params))):
        FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0, max_rounds=5))


def test_it_writes_nothing_and_says_nothing(cancer, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])

    model = FAMILY.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=5)).model
    FAMILY.predict_proba(FAMILY.load(FAMILY.dump(model)), X)

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_bytes_of_a_model_that_is_not_ours_are_refused(cancer):
    X, y, _ = cancer
    foreign = CatBoost({"iterations": 2, "logging_level": "Silent", "allow_writing_files": False}).fit(X, y)

    with pytest.raises(ValueError, match="how many classes"):
        FAMILY.load(frame("catboost", bytes(foreign._serialize_model())))
    with pytest.raises(ValueError, match="not a catboost model"):
        FAMILY.load(frame("catboost", b"cbm without a model"))


def test_a_fit_leaves_the_interpreter_to_others():
    X, y, _ = _with_many_levels(20_000)
    prepared = _prepare(X, y, folds=[Fold(train=np.arange(20_000), valid=np.arange(0))], categorical=(1,))
    params = {"one_hot_max_size": 2, "depth": 8}

    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(FAMILY.fit, prepared, 0, params=params, limits=Limits(seed=0, max_rounds=30))
        n_steps = 0
        while not job.done():
            time.sleep(0.001)
            n_steps += 1

    # A fit that held the lock would let one step through, or none.
    assert n_steps > 10
