# ruff: noqa: D102 - tests are named by behaviour
"""The contract that every model family keeps, as tests for its author to inherit.

Examples
--------
>>> class TestMyFamily(ModelFamilyContract):
...     @pytest.fixture
...     def family(self):
...         return my_package.FAMILY
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from mltrain.models import Fold, Limits, ModelFamily, Proba
from mltrain.models.rounds import log_loss
from mltrain.models.traits import traits_of
from mltrain.space import Choice, Dimension, Params, Scalar
from mltrain.testing.family_data import (
    Rows,
    assert_distributions,
    fit_first,
    make_folds,
    make_many_rows,
    make_rows,
    prepare,
    shape_of,
)
from mltrain.testing.family_limits import FamilyLimitsContract


class ModelFamilyContract(FamilyLimitsContract):
    """Tests of one family; a subclass named ``Test…`` gives the fixture ``family``."""

    @pytest.fixture
    def family(self) -> ModelFamily:
        raise NotImplementedError("a subclass returns its family")

    @pytest.fixture(params=[2, 4])
    def rows(self, request: pytest.FixtureRequest, family: ModelFamily) -> Rows:
        return make_rows(family.view, n_classes=request.param)

    def test_satisfies_the_protocol(self, family: ModelFamily) -> None:
        assert isinstance(family, ModelFamily)
        assert family.name.replace("_", "").isalnum()

    def test_first_trials_are_complete_and_inside_the_space(self, family: ModelFamily, rows: Rows) -> None:
        space = family.space(shape_of(rows))
        trials = family.first_trials(shape_of(rows))

        assert len(trials) >= 1
        for trial in trials:
            assert set(space) <= set(trial) <= set(space) | family.parameters
            assert all(_holds(space[name], trial[name]) for name in space), trial

    def test_work_is_forecast_and_grows_with_the_rows(self, family: ModelFamily, rows: Rows) -> None:
        shapes = [replace(shape_of(rows), n_samples=n_samples) for n_samples in (300, 3_000, 30_000, 300_000)]

        for trial in family.first_trials(shape_of(rows)):
            work = [family.work(trial, shape) for shape in shapes]
            assert 0 < work[0] < float("inf"), trial
            assert work == sorted(work), trial
            assert work[-1] > work[0], trial

    def test_work_and_variant_are_known_for_any_parameters(self, family: ModelFamily, rows: Rows) -> None:
        values: tuple[Scalar, ...] = ("nonsense", -1, -1.0, 1e9)
        refused: list[Params] = [dict.fromkeys(family.parameters, value) for value in values]
        for params in ({}, *refused, {"no_such_parameter": 1}):
            assert 0 < family.work(params, shape_of(rows)) < float("inf")
            assert isinstance(traits_of(family).variant(params), str)

    def test_every_first_trial_learns(self, family: ModelFamily, rows: Rows) -> None:
        prepared, folds = prepare(family, rows)

        for trial in family.first_trials(shape_of(rows)):
            fitted = family.fit(prepared, 0, params=trial, limits=Limits(seed=1, max_rounds=40))
            assert _accuracy(rows, folds[0], fitted.valid_proba) > 1.3 / rows.n_classes, trial

    def test_one_preparation_serves_every_fold(self, family: ModelFamily, rows: Rows) -> None:
        prepared, folds = prepare(family, rows)

        for number, fold in enumerate(folds):
            fitted = fit_first(family, prepared, rows, fold=number)
            assert_distributions(fitted.valid_proba, (fold.valid.size, rows.n_classes))
            again = family.predict_proba(fitted.model, rows.view.X[fold.valid])
            np.testing.assert_allclose(fitted.valid_proba, again, atol=1e-9)
            assert 1 <= fitted.n_rounds <= 20
            assert 0 < fitted.sharpness < np.inf
            assert len(fitted.loss_rounds) <= 200

    def test_the_same_arguments_give_the_same_model(self, family: ModelFamily, rows: Rows) -> None:
        first, _ = prepare(family, rows)
        second, _ = prepare(family, rows)

        one, two = fit_first(family, first, rows), fit_first(family, second, rows)

        np.testing.assert_array_equal(one.valid_proba, two.valid_proba)
        assert one.sharpness == two.sharpness
        assert family.dump(one.model) == family.dump(two.model)

    def test_the_number_of_threads_does_not_matter(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)

        one, two = (
            fit_first(family, prepared, rows, limits=Limits(seed=5, max_rounds=20, threads=threads))
            for threads in (1, 2)
        )

        np.testing.assert_array_equal(one.valid_proba, two.valid_proba)
        assert one.sharpness == two.sharpness

    @pytest.mark.parametrize("n_classes", [2, 4])
    def test_nor_does_it_on_many_rows(self, family: ModelFamily, n_classes: int) -> None:
        rows = make_many_rows(family.view, n_classes=n_classes)
        positions = np.arange(rows.y.size)
        fold = Fold(train=positions[positions % 10 != 0], valid=positions[positions % 10 == 0])

        predicted = []
        for threads in (1, 2, 3):
            prepared, _ = prepare(family, rows, folds=[fold], weights=0.1 + positions % 29, threads=threads)
            limits = Limits(seed=5, max_rounds=10, threads=threads)
            predicted.append(fit_first(family, prepared, rows, limits=limits).valid_proba)

        np.testing.assert_array_equal(predicted[1], predicted[0])
        np.testing.assert_array_equal(predicted[2], predicted[0])

    def test_many_threads_may_ask_one_model_at_once(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        model = family.load(family.dump(fit_first(family, prepared, rows).model))
        expected = family.predict_proba(family.load(family.dump(model)), rows.view.X, threads=1)

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(family.predict_proba, model, rows.view.X, threads=1 + i % 3) for i in range(200)]

        for answer in asked:
            np.testing.assert_array_equal(answer.result(), expected)

    def test_fits_at_the_same_time_do_not_disturb_each_other(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        alone = [fit_first(family, prepared, rows, fold=number % 2).valid_proba for number in range(2)]

        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(fit_first, family, prepared, rows, fold=number % 2) for number in range(8)]
            together = [job.result().valid_proba for job in jobs]

        for number, proba in enumerate(together):
            np.testing.assert_array_equal(proba, alone[number % 2])

    def test_a_class_that_a_fold_lacks_keeps_its_column(self, family: ModelFamily) -> None:
        rows = make_rows(family.view, n_classes=4)
        lacking = [
            Fold(train=np.flatnonzero(rows.y != code), valid=np.flatnonzero(rows.y == code)) for code in range(4)
        ]
        prepared, _ = prepare(family, rows, folds=lacking)

        for number, fold in enumerate(lacking):
            fitted = fit_first(family, prepared, rows, fold=number)
            assert_distributions(fitted.valid_proba, (fold.valid.size, 4))
            assert fitted.valid_proba[:, number].max() < 0.1

    def test_twenty_classes_learn(self, family: ModelFamily) -> None:
        rows = make_rows(family.view, n_classes=20)
        prepared, folds = prepare(family, rows)

        fitted = fit_first(family, prepared, rows)

        assert_distributions(fitted.valid_proba, (folds[0].valid.size, 20))
        assert log_loss(rows.y[folds[0].valid], fitted.valid_proba) < np.log(20)

    def test_columns_that_tell_nothing_change_little(self, family: ModelFamily, rows: Rows) -> None:
        view = rows.view
        empty = np.nan if view.kind == "native" else 0.0
        X = np.column_stack([view.X, np.full((len(view.X), 1), empty), np.ones((len(view.X), 1))]).astype(np.float32)
        dull = replace(rows, view=replace(view, X=X, feature_names=(*view.feature_names, "empty", "constant")))
        prepared, folds = prepare(family, dull)

        fitted = fit_first(family, prepared, dull)

        assert log_loss(rows.y[folds[0].valid], fitted.valid_proba) < np.log(rows.n_classes) - 0.1
        assert family.importances(fitted.model, X.shape[1])[-2:].max() < 0.05

    def test_sparse_rows_are_as_good_as_dense_ones(self, family: ModelFamily, rows: Rows) -> None:
        if family.view != "one_hot":
            pytest.skip(f"a view of kind {family.view} is dense")
        light = replace(rows, view=replace(rows.view, X=csr_matrix(rows.view.X)))
        models = [fit_first(family, prepare(family, given)[0], given).model for given in (rows, light)]

        dense, sparse = (family.predict_proba(model, rows.view.X) for model in models)

        np.testing.assert_allclose(sparse, dense, atol=1e-3)
        np.testing.assert_allclose(family.predict_proba(models[1], light.view.X), sparse, atol=1e-6)

    def test_a_fold_may_choose_features(self, family: ModelFamily, rows: Rows) -> None:
        fold = make_folds(rows)[0]
        chosen = np.array([1, 2])
        prepared, _ = prepare(family, rows, folds=[Fold(train=fold.train, valid=fold.valid, features=chosen)])

        fitted = fit_first(family, prepared, rows)

        again = family.predict_proba(fitted.model, rows.view.X[fold.valid][:, chosen])
        np.testing.assert_allclose(fitted.valid_proba, again, atol=1e-9)
        assert family.importances(fitted.model, 2).shape == (2,)

    def test_heavy_rows_draw_predictions_to_their_class(self, family: ModelFamily) -> None:
        rows = make_rows(family.view, n_classes=2)
        heavy = np.where(rows.y == 1, 20.0, 1.0)
        plain, _ = prepare(family, rows)
        weighted, _ = prepare(family, rows, weights=heavy)

        shift = fit_first(family, weighted, rows).valid_proba[:, 1] - fit_first(family, plain, rows).valid_proba[:, 1]

        assert shift.mean() > 0.05

    def test_a_loaded_model_predicts_the_same(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        model = fit_first(family, prepared, rows).model

        loaded = family.load(family.dump(model))

        X = rows.view.X
        np.testing.assert_array_equal(family.predict_proba(loaded, X), family.predict_proba(model, X))
        np.testing.assert_allclose(family.importances(loaded, X.shape[1]), family.importances(model, X.shape[1]))
        assert family.dump(loaded) == family.dump(model)
        assert family.predict_proba(loaded, X[:0]).shape == (0, rows.n_classes)

    @pytest.mark.parametrize("damage", ["empty", "garbage", "half", "flipped"])
    def test_damaged_bytes_are_refused(self, family: ModelFamily, damage: str) -> None:
        rows = make_rows(family.view, n_classes=2)
        prepared, _ = prepare(family, rows)
        data = family.dump(fit_first(family, prepared, rows).model)
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
        damaged = {"empty": b"", "garbage": b"garbage" * 99, "half": data[:middle], "flipped": flipped}[damage]

        with pytest.raises(ValueError, match=r"\w"):
            family.load(damaged)

    def test_importances_are_shares(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)

        importances = family.importances(fit_first(family, prepared, rows).model, rows.view.n_features)

        assert importances.shape == (rows.view.n_features,)
        assert importances.min() >= 0
        assert importances.sum() == pytest.approx(1.0)

    def test_an_unknown_parameter_is_named(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)

        with pytest.raises(ValueError, match="no_such_parameter"):
            family.fit(prepared, 0, params={"no_such_parameter": 1}, limits=Limits(seed=1))


def _holds(dimension: Dimension, value: object) -> bool:
    if isinstance(dimension, Choice):
        return value in dimension.options
    return isinstance(value, int | float) and dimension.low <= value <= dimension.high


def _accuracy(rows: Rows, fold: Fold, proba: Proba) -> float:
    return float((proba.argmax(axis=1) == rows.y[fold.valid]).mean())
