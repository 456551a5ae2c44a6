from __future__ import annotations

import pytest

from mltrain.config.loading import from_mapping
from mltrain.errors import ConfigError

DATA = {"source": "rows.csv", "target": "y"}
TIME = {"kind": "time", "time_column": "t"}


@pytest.mark.parametrize(
    ("values", "where", "message"),
    [
        ({"data": {**DATA, "drop": ["y"]}}, "data.drop", "'y' is the target and stands in data.drop"),
        ({"data": {**DATA, "id_columns": ["y"]}}, "data.id_columns",
         "'y' is the target and stands in data.id_columns"),
        ({"data": {**DATA, "columns": {"y": "category"}}}, "data.columns",
         "'y' is the target and has no kind"),
        ({"data": {**DATA, "drop": ["a"], "columns": {"a": "numeric"}}}, "data.drop",
         "'a' stands in data.drop and is numeric in data.columns"),
        ({"data": {**DATA, "drop": ["a"], "id_columns": ["a"]}}, "data.drop",
         "'a' stands in data.id_columns and in data.drop"),
        ({"split": {"kind": "group"}}, "split.kind", "split.kind group needs split.group_column"),
        ({"split": {"kind": "time"}}, "split.kind", "split.kind time needs split.time_column"),
        ({"split": {"kind": "group_time", "group_column": "g"}}, "split.kind",
         "split.kind group_time needs split.time_column"),
        ({"split": {"test_from": "2024-01-01"}}, "split.test_from",
         "split.test_from needs a split by time, and split.kind is stratified"),
        ({"split": {**TIME, "validation_from": "2024-02-01", "test_from": "2024-01-01"}},
         "split.validation_from", "validation starts at 2024-02-01, not before test at 2024-01-01"),
        ({"split": {"test_size": 0.5, "validation_size": 0.5}}, "split.test_size",
         "test, validation and calibration take 1 of the rows, none are left for training"),
        ({"data": {**DATA, "test_source": "t.csv"},
          "split": {"kind": "time", "time_column": "t", "test_from": "2024-01-01"}},
         "split.test_from", "split.test_from and data.test_source both say which rows are the test split"),
        ({"data": {**DATA, "test_source": f"./{DATA['source']}"}}, "data.test_source",
         "data.test_source is data.source: models would be tested on what they learn"),
        ({"train": {"tags": {"mltrain.kind": "x"}}}, "train.tags.mltrain.kind", "'mltrain.kind' cannot name a tag"),
        ({"evaluate": {"tags": {"a b": "x"}}}, "evaluate.tags.a b", "'a b' cannot name a tag"),
        ({"train": {"tags": {"team": "x" * 901}}}, "train.tags.team", "tag 'team' has 901 characters"),
        ({"registry": {"name": "my model"}}, "registry.name", "registry.name 'my model' cannot name a folder"),
        ({"registry": {"name": "../up"}}, "registry.name", "registry.name '../up' cannot name a folder"),
        ({"models": {"lgbm": {}, "LGBMClassifier": {}}}, "models.LGBMClassifier",
         "'LGBMClassifier' and 'lgbm' are the same model"),
    ],
)  # fmt: skip
def test_contradiction_names_the_key_to_change(values, where, message):
    with pytest.raises(ConfigError) as caught:
        from_mapping({"data": DATA, **values})

    assert (caught.value.where, caught.value.message) == (where, message)
    assert caught.value.hint


@pytest.mark.parametrize(
    "values",
    [
        {"data": {**DATA, "drop": ["a"], "columns": {"a": "dropped"}}},
        {"data": {**DATA, "test_source": "t.csv"}, "split": {"validation_size": 0.8}},
        {"split": {**TIME, "validation_from": "2024-01-01", "test_from": "2024-01-01T10:00:00Z"}},
        {"split": {"group_column": "customer"}},
        {"registry": {"name": "churn-2024.v1"}, "train": {"project_name": "my project"}},
    ],
)  # fmt: skip
def test_what_agrees_is_accepted(values):
    assert from_mapping({"data": DATA, **values}).data.target == "y"
