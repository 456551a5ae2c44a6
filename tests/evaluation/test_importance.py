from __future__ import annotations

import time

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


def test_deadline_leaves_out_what_was_not_reached():
    table, y = rows()

    found = permutation_importance(
        predict, table, y=y, metric=resolve("roc_auc", n_classes=2), seed=0, deadline=time.monotonic()
    )

    assert found == {}
