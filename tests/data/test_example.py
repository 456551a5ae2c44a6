from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mltrain.config import DataSection
from mltrain.data.example import EXAMPLE_TARGETS, EXAMPLES, SOURCE
from mltrain.data.loading import infer_schema, load_table
from mltrain.data.target import make_target
from mltrain.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "rows", "classes"),
    [
        ("breast_cancer", 569, ("benign", "malignant")),
        ("churn", 2000, ("no", "yes")),
        ("wine", 178, ("class_0", "class_1", "class_2")),
        ("iris", 150, ("setosa", "versicolor", "virginica")),
    ],
)
def test_example_loads_with_its_target(name: str, rows: int, classes: tuple) -> None:
    table, target = load_table(f"example:{name}"), EXAMPLE_TARGETS[name]

    assert table.num_rows == rows
    assert make_target(table[target], target).classes == classes


def test_every_example_has_a_target() -> None:
    assert set(EXAMPLES) == set(EXAMPLE_TARGETS)


def test_churn_has_every_kind_of_column_and_gaps() -> None:
    section = DataSection(source="example:churn", target="churned")
    table = load_table("example:churn")
    schema = infer_schema(table, make_target(table["churned"], "churned"), section, group="customer")
    kinds = {column.name: column.kind.value for column in schema.columns}

    assert {"numeric", "boolean", "category", "date", "id"} == set(kinds.values())
    assert kinds["row_id"] == kinds["customer"] == "id"
    assert table["region"].null_count > 0
    assert table["satisfaction"].null_count > 0
    assert len(table["customer"].unique()) == 700


def test_churn_is_the_same_every_time() -> None:
    assert SOURCE.load("example:churn", {}).equals(SOURCE.load("example:churn", {}))


def test_churn_can_be_learnt_but_not_perfectly() -> None:
    table = SOURCE.load("example:churn", {})
    X = np.column_stack([table[n].to_numpy() for n in ("monthly_charge", "support_calls", "autopay")]).astype(float)
    y = table["churned"].to_numpy(zero_copy_only=False) == "yes"

    score = roc_auc_score(y, LogisticRegression(max_iter=1000).fit(X, y).predict_proba(X)[:, 1])

    assert 0.2 < y.mean() < 0.3
    assert 0.7 < score < 0.86


def test_unknown_example_is_a_config_error_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="no example is called 'chrun'") as caught:
        SOURCE.load("example:chrun", {})

    assert caught.value.hint == "did you mean 'churn'?"
