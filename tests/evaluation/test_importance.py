from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mltrain.evaluation import permutation_importance
from mltrain.metrics import resolve


def rows(n_samples=1_000, seed=0):
    random = np.random.default_rng(seed)
    useful, useless = random.normal(size=n_samples), random.normal(size=n_samples)
    y = (random.uniform(size=n_samples) < 1 / (1 + np.exp(-2 * useful))).astype(np.int64)
    return pa.table({"useless": useless, "größe": useful}), y


def predict(table):
    p = 1 / (1 + np.exp(-2 * table["größe"].to_numpy()))
    return np.column_stack([1 - p, p])


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "f1"])
def test_column_that_the_model_uses_comes_first(name):
    table, y = rows()

    found = permutation_importance(predict, table, y=y, metric=resolve(name, n_classes=2), seed=0)

    assert list(found) == ["größe", "useless"]
    assert found["größe"] > 0.05
    assert found["useless"] == 0.0


def test_shuffled_perfect_column_falls_to_chance():
    y = np.arange(2_000) % 2
    table = pa.table({"x": y.astype(float)})

    found = permutation_importance(
        lambda t: np.column_stack([1 - t["x"].to_numpy(), t["x"].to_numpy()]),
        table,
        y=y,
        metric=resolve("roc_auc", n_classes=2),
        seed=0,
    )

    # Area 1 falls to 0.5; its standard error with 2,000 rows and three shuffles is 0.006.
    assert found["x"] == pytest.approx(0.5, abs=0.02)


def test_rows_are_limited_and_drawn_by_the_seed():
    table, y = rows()
    sizes = []

    def counting(part):
        sizes.append(part.num_rows)
        return predict(part)

    metric = resolve("roc_auc", n_classes=2)
    first = permutation_importance(counting, table, y=y, metric=metric, seed=4, max_rows=100)
    again = permutation_importance(counting, table, y=y, metric=metric, seed=4, max_rows=100)

    assert set(sizes) == {100}
    assert first == again


def counted(n_columns, *, n_samples=3_000, **limits):
    """Return the sizes of the tables predicted and the importances found."""
    random = np.random.default_rng(0)
    table = pa.table({f"c{i}": random.normal(size=n_samples) for i in range(n_columns)})
    y = np.arange(n_samples) % 2
    sizes = []

    def predict_first(part):
        sizes.append(part.num_rows)
        p = 1 / (1 + np.exp(-part["c0"].to_numpy()))
        return np.column_stack([1 - p, p])

    metric = resolve("roc_auc", n_classes=2)
    return sizes, permutation_importance(predict_first, table, y=y, metric=metric, seed=1, **limits)


@pytest.mark.parametrize(
    ("n_columns", "n_rows", "n_rounds", "n_judged"),
    [
        (5, 1_333, 3, 5),  # few columns: all rounds, as many rows as fit
        (14, 714, 2, 14),  # rounds are saved first
        (50, 400, 1, 50),  # then rows
        (300, 200, 1, 100),  # then columns
    ],
)
def test_work_is_bounded_and_the_same_on_any_machine(n_columns, n_rows, n_rounds, n_judged):
    sizes, found = counted(n_columns, max_predictions=20_000)

    assert sizes == [n_rows] * (1 + n_rounds * n_judged)
    assert set(found) == {f"c{i}" for i in range(n_judged)}
    assert counted(n_columns, max_predictions=20_000)[1] == found


def test_without_a_bound_all_rows_and_rounds_are_taken():
    sizes, found = counted(2, n_samples=700)

    assert sizes == [700] * 7
    assert set(found) == {"c0", "c1"}
