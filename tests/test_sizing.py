from __future__ import annotations

from dataclasses import replace

import pytest

from mltrain import plugins
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.errors import EnvironmentRefusal
from mltrain.sizing import LIBRARIES_BYTES, SPARE, Load, columns_to_read, look_ahead, needed_bytes

GB = 10**9


def load(n_rows: int = 10_000_000, *names: str, n_classes: int = 2, n_folds: int = 1) -> Load:
    columns = [Column(name=f"x{i}", kind=ColumnKind.NUMERIC, arrow_type="double") for i in range(20)]
    columns.append(Column(name="id", kind=ColumnKind.ID, arrow_type="int64"))
    schema = Schema(columns=tuple(columns), target=Target(name="y", classes=tuple(range(n_classes))), group="id")
    n_validation = n_rows // 4 if n_folds == 1 else n_rows
    families = {name: plugins.load("models", name) for name in names or ("xgboost",)}
    return Load(
        schema=schema,
        n_rows=n_rows,
        n_validation=n_validation,
        most_rows=n_rows - n_rows // 4,
        families=families,
        n_folds=n_folds,
    )


def test_little_data_needs_little_more_than_the_libraries() -> None:
    assert needed_bytes(load(1000), search_rows=750) == pytest.approx(LIBRARIES_BYTES, rel=0.01)


def test_more_rows_need_more_and_rows_of_a_trial_count() -> None:
    few, many = load(1_000_000), load(10_000_000)

    assert needed_bytes(many, search_rows=7_500_000) > 8 * needed_bytes(few, search_rows=750_000) - 8 * LIBRARIES_BYTES
    assert needed_bytes(many, search_rows=100_000) < needed_bytes(many, search_rows=7_500_000)


def test_the_dearest_family_says_how_much_is_needed() -> None:
    alone = {name: needed_bytes(load(10_000_000, name), search_rows=7_500_000) for name in ("lgbm", "xgboost")}
    both = needed_bytes(load(10_000_000, "lgbm", "xgboost"), search_rows=7_500_000)

    assert both == max(alone.values())


def test_families_that_are_searched_together_are_there_together() -> None:
    def needed(*names: str) -> int:
        return needed_bytes(replace(load(100_000, *names), one_at_a_time=False), search_rows=75_000) - LIBRARIES_BYTES

    view = SPARE * 100_000 * 20 * 4

    assert needed("lgbm", "xgboost") == pytest.approx(needed("lgbm") + needed("xgboost") - view, rel=0.05)
    assert needed("lgbm", "random_forest") == pytest.approx(needed("lgbm") + needed("random_forest"), rel=0.05)


def test_boosters_hold_the_rows_of_each_fold() -> None:
    one, five = (needed_bytes(load(1_000_000, n_folds=n_folds), search_rows=800_000) for n_folds in (1, 5))

    # Two settings of the bins of 20 features, 4 bytes each; validation rows are four times as many, with predictions.
    assert five - one == pytest.approx(SPARE * (4 * 800_000 * 20 * 4 * 2 + 750_000 * (20 * 4 + 20 * 2 * 8)), rel=0.01)


def test_bends_count_as_features_of_the_rows_that_a_linear_model_learns_from() -> None:
    few, many = (
        needed_bytes(load(n, "logistic_regression"), search_rows=n - n // 4) - LIBRARIES_BYTES
        for n in (20_000, 4_000_000)
    )

    # Two fits of rows with 12 bends a number, to learn from and to be watched by.
    assert few == pytest.approx(SPARE * (20_000 * 20 * 4 + 2 * 20_000 * 20 * 13 * 4 + 5_000 * 20 * 2 * 8), rel=0.3)
    assert SPARE * 2 * 2 * 24_000_000 * 4 < many < SPARE * 2 * 2 * 24_000_000 * 4 + GB + GB


def test_categories_are_columns_of_a_dense_view_as_long_as_they_are_few() -> None:
    plain = load(1_000_000, "logistic_regression")
    category = Column(name="c", kind=ColumnKind.CATEGORY, arrow_type="string")
    named = replace(plain, schema=replace(plain.schema, columns=(*plain.schema.columns, category)))

    wider, alike = (needed_bytes(it, search_rows=20_000) for it in (named, plain))

    assert wider - alike >= SPARE * 1_000_000 * 4 * (4 * 21 - 20)


def test_all_rows_are_searched_on_where_they_fit() -> None:
    outlook = look_ahead(load(), available_bytes=64 * GB)

    assert outlook.search_rows is None
    assert str(outlook).startswith("memory: about ")
    assert str(outlook).endswith(" needed, 64.0 GB available")


def test_as_many_rows_as_fit_are_searched_on_and_the_final_fit_gets_all() -> None:
    everything = needed_bytes(load(), search_rows=7_500_000)
    least = needed_bytes(load(), search_rows=20_000)
    between = (everything + least) // 2

    outlook = look_ahead(load(), available_bytes=between)

    assert outlook.search_rows is not None
    assert 20_000 < outlook.search_rows < 7_500_000
    assert needed_bytes(load(), search_rows=outlook.search_rows) <= between
    assert needed_bytes(load(), search_rows=2 * outlook.search_rows) > between
    assert outlook.search_rows in [20_000 * 2**step for step in range(10)]  # so that a resume finds it again
    assert "the final fit from all" in str(outlook)


def test_too_little_for_the_final_fit_is_refused_with_the_figure() -> None:
    with pytest.raises(EnvironmentRefusal, match=r"10,000,000 rows needs about \d+\.\d GB .* 1\.0 GB are") as caught:
        look_ahead(load(), available_bytes=GB)

    assert caught.value.exit_code == 6
    assert "rows would fit" in str(caught.value.hint)


def test_only_what_training_needs_is_read() -> None:
    assert columns_to_read(load().schema, None, "w") == (*(f"x{i}" for i in range(20)), "y", "id", "w")


def test_many_classes_need_room_for_predictions_and_for_gradients() -> None:
    two, many = (needed_bytes(load(2_000_000, n_classes=n), search_rows=100_000) for n in (2, 26))

    # 24 classes more: 20 trials' predictions of 500,000 rows in 8 bytes, 16 bytes of gradients a row in a fit on all.
    assert many - two == pytest.approx(SPARE * 24 * (20 * 500_000 * 8 + 2_000_000 * 16), rel=0.01)


def test_forests_of_all_folds_and_of_all_that_may_vote_are_counted() -> None:
    one, five = (needed_bytes(load(20_000, "random_forest", n_folds=n_folds), search_rows=15_000) for n_folds in (1, 5))
    many = needed_bytes(load(20_000, "random_forest", n_folds=5, n_classes=26), search_rows=15_000)

    # 100 trees of 7,500 nodes of 80 bytes, by three that vote, a variant of theirs and one that is fitted.
    forests = SPARE * 5 * 100 * 7_500 * 80
    assert one == pytest.approx(LIBRARIES_BYTES + forests, rel=0.03)
    assert five == pytest.approx(LIBRARIES_BYTES + 5 * forests, rel=0.03)
    assert five < many < 2 * five + GB
