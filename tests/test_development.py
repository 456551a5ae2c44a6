"""The rows that training sees: folds by size, weights, encoders and features that look at nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

from mltrain.config import PreprocessingSection, SplitSection, TrainSection
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.development import (
    Development,
    develop,
    encoded_view,
    first_repeat,
    n_repeats_for,
    parts_of_rows,
    validation_digest,
    with_selected_features,
)
from mltrain.errors import DataError, SchemaError
from mltrain.metrics import resolve
from mltrain.models import Fold

SCHEMA = Schema(
    columns=(
        Column(name="x", kind=ColumnKind.NUMERIC, arrow_type="double"),
        Column(name="plan", kind=ColumnKind.CATEGORY, arrow_type="string"),
        Column(name="customer", kind=ColumnKind.ID, arrow_type="int64"),
    ),
    target=Target(name="y", classes=("yes", "no")),
)


def _rows(n: int, *, seed: int = 0, plans: tuple[str, ...] = ("a", "b")) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "y": random.choice(["yes", "no"], n, p=[0.8, 0.2]),
            "customer": np.arange(n) // 4,
            "x": random.normal(size=n),
            "plan": random.choice(plans, n),
        }
    )


def _develop(
    train: pa.Table,
    validation: pa.Table,
    *,
    split: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> Development:
    return develop(
        train,
        validation,
        schema=SCHEMA,
        settings=TrainSection(**(settings or {})),
        split=SplitSection(**(split or {})),
        seed=1,
    )


def test_train_and_validation_rows_follow_each_other() -> None:
    train, validation = _rows(60), _rows(30, seed=1)

    rows = _develop(train, validation)

    assert rows.table.column_names == ["x", "plan"]
    both = train["x"].to_pylist() + validation["x"].to_pylist()
    assert rows.table["x"].to_pylist() == both
    labels = train["y"].to_pylist() + validation["y"].to_pylist()
    assert rows.y.tolist() == [int(label == "no") for label in labels]
    assert rows.weights is None


@pytest.mark.parametrize(("n_train", "kind"), [(19_999, "kfold"), (20_000, "holdout")])
def test_train_rows_alone_decide_between_folds_and_the_holdout(n_train: int, kind: str) -> None:
    rows = _develop(_rows(n_train), _rows(400, seed=1))

    assert rows.validation == kind
    if kind == "holdout":
        (fold,) = rows.folds
        np.testing.assert_array_equal(fold.train, np.arange(n_train))
        np.testing.assert_array_equal(fold.valid, np.arange(n_train, n_train + 400))
    else:
        assert len(rows.folds) == 5


@pytest.mark.parametrize(("kind", "n_folds"), [("kfold", 6), ("holdout", 1)])
def test_the_config_forces_either(kind: str, n_folds: int) -> None:
    rows = _develop(_rows(60), _rows(30, seed=1), settings={"validation": kind, "n_folds": 3})

    assert (rows.validation, len(rows.folds)) == (kind, n_folds)


def test_folds_hold_out_every_row_once_a_repeat_and_share_the_classes() -> None:
    rows = _develop(_rows(300), _rows(100, seed=1))

    assert rows.n_repeats == 2
    for repeat in (rows.folds[:5], rows.folds[5:]):
        held_out = np.sort(np.concatenate([fold.valid for fold in repeat]))
        np.testing.assert_array_equal(held_out, np.arange(400))
    for fold in rows.folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([fold.train, fold.valid])), np.arange(400))
        assert abs(rows.y[fold.valid].mean() - rows.y.mean()) < 0.02


@pytest.mark.parametrize(
    ("kind", "n_rows", "wanted"),
    [("stratified", 499, 2), ("random", 50, 2), ("stratified", 500, 1), ("group", 50, 1), ("time", 50, 1)],
)
def test_only_few_rows_that_may_be_dealt_at_random_are_dealt_again(kind: str, n_rows: int, wanted: int) -> None:
    columns = {"group": {"group_column": "g"}, "time": {"time_column": "t"}}.get(kind, {})

    assert n_repeats_for(SplitSection(kind=kind, **columns), n_rows=n_rows) == wanted


def test_a_row_is_in_the_same_part_in_every_repeat() -> None:
    folds = _develop(_rows(60), _rows(30, seed=1)).folds

    parts = parts_of_rows(folds)

    assert parts is not None
    validated = np.concatenate([fold.valid for fold in folds])
    part_of = {row: number for number, fold in enumerate(folds[:5]) for row in fold.valid.tolist()}
    assert parts.tolist() == [part_of[row] for row in validated.tolist()]


def test_parts_are_the_folds_where_rows_are_validated_once() -> None:
    folds = [Fold(train=np.arange(4), valid=np.array(rows)) for rows in ([4, 5], [6], [7, 8])]

    np.testing.assert_array_equal(parts_of_rows(folds), [0, 0, 1, 2, 2])
    assert parts_of_rows(folds[:1]) is None
    assert first_repeat(folds) == tuple(folds)


def test_the_first_repeat_ends_where_a_row_is_validated_again() -> None:
    folds = _develop(_rows(60), _rows(30, seed=1), settings={"n_folds": 3}).folds

    assert len(folds) == 6
    assert first_repeat(folds) == folds[:3]


def test_groups_are_never_on_both_sides_of_a_fold() -> None:
    train = _rows(200)
    rows = _develop(train, _rows(80, seed=1), split={"kind": "group", "group_column": "customer"})

    customers = np.concatenate([train["customer"].to_numpy(), np.arange(80) // 4])
    for fold in rows.folds:
        assert not set(customers[fold.train]) & set(customers[fold.valid])


def test_the_same_seed_gives_the_same_folds_and_another_does_not() -> None:
    arguments = {"schema": SCHEMA, "settings": TrainSection(), "split": SplitSection()}
    one, same, other = (develop(_rows(60), _rows(30), seed=seed, **arguments) for seed in (1, 1, 2))

    for fold, again in zip(one.folds, same.folds, strict=True):
        np.testing.assert_array_equal(fold.valid, again.valid)
    assert any(not np.array_equal(f.valid, o.valid) for f, o in zip(one.folds, other.folds, strict=True))


def test_a_label_that_is_no_class_and_a_missing_column_are_refused() -> None:
    wrong = _rows(30).set_column(0, "y", pa.array(["maybe"] * 30))

    with pytest.raises(DataError, match="maybe"):
        _develop(_rows(60), wrong)
    with pytest.raises(SchemaError, match="plan"):
        _develop(_rows(60).drop_columns(["plan"]), _rows(30).drop_columns(["plan"]))


@given(shares=st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_balanced_weights_are_those_of_scikit_learn(shares: list[int]) -> None:
    y = np.repeat(np.arange(len(shares)), shares)
    schema = Schema(columns=SCHEMA.columns, target=Target(name="y", classes=tuple(range(len(shares)))))
    table = pa.table({"y": y, "x": np.zeros(len(y)), "plan": ["a"] * len(y)})

    rows = develop(
        table,
        table,
        schema=schema,
        settings=TrainSection(class_weight="balanced", validation="holdout"),
        split=SplitSection(),
        seed=0,
    )

    assert rows.weights is not None
    np.testing.assert_allclose(rows.weights, compute_sample_weight("balanced", np.tile(y, 2)))
    assert rows.weights.mean() == pytest.approx(1)


def test_encoders_know_the_development_rows_and_nothing_else() -> None:
    rows = _develop(_rows(60), _rows(30, seed=1, plans=("b", "only in validation")))

    encoded = encoded_view(rows, "one_hot", PreprocessingSection())

    assert encoded.view.n_samples == 90
    levels = [name for name in encoded.view.feature_names if name.startswith("plan")]
    assert levels == ["plan_is_a", "plan_is_b", "plan_is_only_in_validation"]
    assert not [name for name in encoded.view.feature_names if "customer" in name]
    x = np.concatenate([_rows(60)["x"].to_numpy(), _rows(30, seed=1)["x"].to_numpy()])
    column = encoded.view.feature_names.index("x")
    assert np.corrcoef(encoded.view.X[:, column], x)[0, 1] > 0.9


def test_shape_counts_what_is_encoded() -> None:
    encoded = encoded_view(_develop(_rows(60), _rows(30)), "native", PreprocessingSection())

    shape = encoded.view.describe(n_classes=2)

    assert (shape.n_samples, shape.n_features, shape.n_classes, shape.n_categorical) == (90, 2, 2, 1)


@pytest.fixture(scope="module")
def wide() -> tuple[Development, Any]:
    """Return 12 columns of noise and labels that some of them make, encoded."""
    random = np.random.default_rng(5)
    X = random.normal(size=(300, 12))
    y = np.where(X[:, 2] + X[:, 7] + random.normal(size=300) > 0, "no", "yes")
    names = [f"c{i}" for i in range(12)]
    schema = Schema(
        columns=tuple(Column(name=n, kind=ColumnKind.NUMERIC, arrow_type="double") for n in names),
        target=SCHEMA.target,
    )
    table = pa.table({"y": y, **dict(zip(names, X.T, strict=True))})
    rows = develop(
        table.slice(0, 240),
        table.slice(240),
        schema=schema,
        settings=TrainSection(n_folds=3),
        split=SplitSection(),
        seed=1,
    )
    return rows, encoded_view(rows, "native", PreprocessingSection()).view


def test_features_of_a_fold_do_not_depend_on_its_validation_labels(wide: tuple[Development, Any]) -> None:
    rows, view = wide
    settings = {"keep": 0.5, "n_classes": 2, "seed": 0}
    chosen = with_selected_features(view, rows.y, folds=rows.folds, **settings)

    for number, fold in enumerate(rows.folds):
        changed = rows.y.copy()
        changed[fold.valid] = view.X[fold.valid, 0] > 0  # would make c0 the best feature by far
        again = with_selected_features(view, changed, folds=rows.folds, **settings)
        np.testing.assert_array_equal(again[number].features, chosen[number].features)
        others = [n for n in range(3) if n != number]
        assert all(0 in again[n].features.tolist() for n in others)  # theirs, they train on these rows


def test_features_that_matter_are_kept(wide: tuple[Development, Any]) -> None:
    rows, view = wide

    for fold in with_selected_features(view, rows.y, folds=rows.folds, keep=0.25, n_classes=2, seed=0):
        assert fold.features is not None
        assert len(fold.features) == 3
        assert {2, 7} <= set(fold.features.tolist())


@pytest.mark.parametrize("keep", [None, 1.0])
def test_all_features_are_kept_unless_told_otherwise(wide: tuple[Development, Any], keep: float | None) -> None:
    rows, view = wide

    folds = with_selected_features(view, rows.y, folds=rows.folds, keep=keep, n_classes=2, seed=0)

    assert folds == rows.folds


def test_scores_that_cannot_be_compared_have_different_digests() -> None:
    def digest(metric: str = "roc_auc", *, n_train: int = 100, seed: int = 1, beta: float = 1.0, **train: Any) -> str:
        return validation_digest(
            resolve(metric, n_classes=2, beta=beta), TrainSection(**train), n_train=n_train, seed=seed
        )

    different = [
        digest(),
        digest("log_loss"),
        digest("fbeta_score", beta=0.5),
        digest("fbeta_score", beta=2.0),
        digest(n_folds=3),
        digest(seed=2),
        digest(n_train=20_000),
    ]
    assert len(set(different)) == len(different)
    assert digest() == digest(n_train=19_999) == digest(validation="kfold", n_train=50_000)
    # A holdout is the validation split itself: neither folds nor the seed have a say.
    assert digest(validation="holdout") == digest(n_train=20_000, seed=2, n_folds=3)


def test_a_column_of_weights_is_carried_into_fits_with_mean_one_and_is_no_feature() -> None:
    train = _rows(60).append_column("w", pa.array(np.arange(60) % 3))

    rows = develop(
        train,
        train,
        schema=SCHEMA,
        settings=TrainSection(),
        split=SplitSection(),
        seed=1,
        weight_column="w",
    )

    assert rows.weights is not None
    np.testing.assert_allclose(rows.weights[:6], [0, 1, 2, 0, 1, 2])
    assert rows.table.column_names == ["x", "plan"]


def test_what_is_odd_about_folds_is_said() -> None:
    rare = pa.table({**_rows(100).to_pydict(), "y": ["no"] * 97 + ["yes"] * 3})

    rows = _develop(rare.slice(0, 50), rare.slice(50))
    holdout = _develop(rare, rare.slice(0, 50), settings={"validation": "holdout"})
    late = pa.table({**rare.to_pydict(), "y": ["no"] * 60 + ["yes"] * 10 + ["no"] * 30})
    in_time = _develop(
        late, late.slice(0, 0), split={"kind": "time", "time_column": "customer"}, settings={"validation": "kfold"}
    )

    assert rows.notes == ("class 'yes' has 3 rows, fewer than the 5 folds: some validate none of it",)
    assert holdout.notes == ("class 'yes' has 3 rows and none is validated: no score tells how well it is predicted",)
    assert _develop(_rows(100), _rows(100)).notes == ()
    assert in_time.notes[0] == "2 of 5 folds can be made: others would train without a class or have no rows"


def test_trials_learn_from_a_stratified_sample_of_rows_where_asked_to() -> None:
    train, validation = _rows(400), _rows(100, seed=1)

    rows, again, all_rows = (
        _develop(train, validation, settings={"validation": "holdout", "search_rows": n}) for n in (100, 100, 400)
    )

    (fold,), (same,), (whole,) = rows.folds, again.folds, all_rows.folds
    assert len(fold.train) == pytest.approx(100, abs=1)
    np.testing.assert_array_equal(fold.train, same.train)
    assert rows.y[fold.train].mean() == pytest.approx(rows.y[:400].mean(), abs=0.01)
    np.testing.assert_array_equal(fold.valid, np.arange(400, 500))
    np.testing.assert_array_equal(whole.train, np.arange(400))
    assert (rows.is_thinned, all_rows.is_thinned) == (True, False)
