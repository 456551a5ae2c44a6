from __future__ import annotations

from pathlib import Path

import pytest

from mltrain.commands.config import check, schema, show
from mltrain.config.loading import load, parse
from mltrain.config.rendering import config_hash
from mltrain.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mltrain.yaml"
    file.write_text("data:\n  source: rows.csv\n  target: y\nmodels:\n  rf: {params: {max_depth: 3}}\n")
    return file


def test_check_says_which_keys_are_set(path):
    result = check(path, ["train.n_folds=3"])

    assert result.keys_set == ("data.source", "data.target", "train.n_folds", "models.random_forest.params.max_depth")
    assert result.config_hash == config_hash(load(path, overrides=["train.n_folds=3"]))
    assert result.exit_code == 0


def test_check_raises_what_loading_raises(path):
    with pytest.raises(ConfigError, match="unknown key 'n_fold'"):
        check(path, ["train.n_fold=3"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("models.rf.params.max_dept=3", "random_forest has no parameter 'max_dept'"),
        ("models.lgbm.params.boosting=dart", "'boosting' of lgbm cannot be 'dart'"),
        ("models.svm.params.C=1", "no model family is called 'svm'"),
    ],
)
def test_check_looks_at_the_parameters_of_models(path, setting, message):
    with pytest.raises(ConfigError, match=message):
        check(path, [setting])


def test_show_resolves_defaults_aliases_and_overrides(path):
    result = show(path, ["seed=7"])

    assert parse(result.yaml, origin="shown") == load(path, overrides=["seed=7"])
    assert result.values["seed"] == 7
    assert result.values["train"]["supported_models"] == ["logistic_regression", "random_forest", "lgbm", "xgboost"]
    assert result.values["models"] == {"random_forest": {"params": {"max_depth": 3}, "search_space": {}}}


def test_schema_describes_the_config():
    assert schema().json_schema["title"] == "mltrain config"
