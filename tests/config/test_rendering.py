from __future__ import annotations

from datetime import date, datetime

import pytest

from mltrain.config import Config
from mltrain.config.loading import from_mapping, parse
from mltrain.config.rendering import config_hash, to_values, to_yaml

FULL = {
    "seed": 7,
    "data": {
        "source": "Kunden: *.csv",
        "target": "größe #1",
        "positive_class": "Yes",
        "options": {"delimiter": ";", "null_values": ["", "null", "~"]},
        "columns": {"1e3": "numeric", "a b": "date"},
    },
    "split": {"kind": "time", "time_column": "t", "validation_from": "2023-12-01",
              "test_from": "2024-01-01T10:00:00"},
    "train": {"supported_models": ["lgbm"], "tracker_options": {"tracking_uri": "http://127.0.0.1:5000"}},
    "models": {
        "XGBClassifier": {
            "params": {"eta": 1e-5, "flag": True, "nothing": None, "text": "1e-4"},
            "search_space": {
                "max_depth": {"int": [2, 8]},
                "alpha": {"float": [1e-8, 10.0], "log": True},
                "grow_policy": {"choice": ["depthwise", "1", 1, 1.5, None, False]},
            },
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("only_set", [True, False])
@pytest.mark.parametrize("values", [FULL, {"data": {"source": "a", "target": "b"}}])
def test_yaml_loads_to_the_same_config(values, only_set):
    config = from_mapping(values)

    again = parse(to_yaml(config, only_set=only_set), origin="shown")

    assert again == config
    assert config_hash(again) == config_hash(config)


def test_only_set_keys_are_written_on_request():
    config = from_mapping({"data": {"source": "a.csv", "target": "b"}, "train": {"supported_models": ["rf"]}})

    text = to_yaml(config, only_set=True)

    assert text == ("data:\n  source: a.csv\n  target: b\ntrain:\n  supported_models:\n    - random_forest\n")


def test_defaults_are_written_otherwise():
    text = to_yaml(Config())

    assert "  max_search_iters: 100\n" in text
    assert "  deployment_score_thresh: null\n" in text


def test_values_are_json_with_iso_dates():
    split = to_values(from_mapping(FULL))["split"]

    assert (split["validation_from"], split["test_from"]) == ("2023-12-01", "2024-01-01T10:00:00")
    assert from_mapping(FULL).split.validation_from == date(2023, 12, 1)
    assert from_mapping(FULL).split.test_from == datetime(2024, 1, 1, 10)


def test_hash_changes_with_any_value_and_not_with_style():
    base = from_mapping({"data": {"source": "a", "target": "b"}, "train": {"supported_models": ["lgbm"]}})
    restated = from_mapping(
        {
            "train": {"supported_models": ["LGBMClassifier"], "n_folds": 5},
            "data": {"target": "b", "source": "a"},
        }
    )
    changed = from_mapping({"data": {"source": "a", "target": "b"}, "train": {"supported_models": ["xgboost"]}})

    assert config_hash(restated) == config_hash(base)
    assert config_hash(changed) != config_hash(base)
    assert len(config_hash(base)) == 64
