"""What a session will do, resolved from names alone."""

from __future__ import annotations

from typing import Any

import pytest

from mltrain.config import Config
from mltrain.errors import ConfigError, MltrainError, PluginError, UsageError
from mltrain.models import ModelFamily
from mltrain.plan import comparison_metric, make_plan


def _config(models: dict[str, Any] | None = None, **train: Any) -> Config:
    return Config.model_validate({"train": train, "models": models or {}})


def test_the_config_names_the_families_and_their_order() -> None:
    plan = make_plan(_config(supported_models=["random_forest", "LGBMClassifier"]), ())

    assert list(plan.families) == ["random_forest", "lgbm"]
    assert all(isinstance(family, ModelFamily) for family in plan.families.values())
    assert plan.ensemble
    assert not plan.ensemble_alone


@pytest.mark.parametrize(
    ("asked", "families", "ensemble", "alone"),
    [
        (("lr",), ["logistic_regression"], False, False),
        (("xgb", "XGBClassifier", "lightgbm"), ["xgboost", "lgbm"], True, False),
        (("lgbm", "logistic_regression", "ensemble"), ["lgbm", "logistic_regression"], True, False),
        (("VotingClassifier",), ["lgbm", "xgboost"], True, True),
    ],
)
def test_the_command_line_wins(asked: tuple[str, ...], families: list[str], ensemble: bool, alone: bool) -> None:
    plan = make_plan(_config(supported_models=["lgbm", "xgboost"]), asked)

    assert list(plan.families) == families
    assert plan.ensemble is ensemble
    assert plan.ensemble_alone is alone


def test_no_vote_where_the_config_says_so_unless_it_is_asked_for() -> None:
    config = _config(ensemble=False)

    assert not make_plan(config, ()).ensemble
    assert make_plan(config, ("lgbm", "lr", "ensemble")).ensemble
    assert make_plan(config, ("ensemble",)).ensemble


def test_one_family_does_not_vote() -> None:
    assert not make_plan(_config(ensemble=True), ("lgbm",)).ensemble


@pytest.mark.parametrize(
    ("supported", "asked"),
    [(["lgbm"], ("ensemble",)), (["ensemble"], ()), (["lgbm", "xgboost"], ("ensemble", "lgbm"))],
)
def test_a_vote_that_is_asked_for_needs_two_families(supported: list[str], asked: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="two model families or more"):
        make_plan(_config(supported_models=supported), asked)


@pytest.mark.parametrize(
    ("models", "asked", "error", "where", "hint"),
    [
        ({}, ("lgmb",), PluginError, None, "lgbm"),
        ({"lgmb": {}}, (), ConfigError, "models.lgmb", "lgbm"),
        ({"lgbm": {"params": {"num_leafs": 3}}}, (), ConfigError, "models.lgbm.params.num_leafs", "num_leaves"),
        (
            {"lgbm": {"search_space": {"num_leafs": {"int": [2, 9]}}}},
            (),
            ConfigError,
            "models.lgbm.search_space.num_leafs",
            "num_leaves",
        ),
    ],
)
def test_unknown_names_are_refused_with_the_place_and_the_nearest(
    models: dict[str, Any], asked: tuple[str, ...], error: type[MltrainError], where: str | None, hint: str
) -> None:
    with pytest.raises(error) as caught:
        make_plan(_config(models), asked)

    assert caught.value.where == where
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(("name", "meant"), [("LightGBM", "lgbm"), ("RF", "random_forest"), ("XGBoost", "xgboost")])
def test_a_model_named_in_another_case_is_refused_with_the_one_that_is_meant(name: str, meant: str) -> None:
    with pytest.raises(PluginError) as caught:
        make_plan(_config(), (name,))

    assert str(caught.value.hint).startswith(f"did you mean '{meant}'? ")


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ({"params": {"boosting": "dart"}}, "params.boosting"),
        ({"params": {"boosting_type": "dart"}}, "params.boosting_type"),
        ({"search_space": {"boosting": {"choice": ["gbdt", "dart"]}}}, "search_space.boosting"),
    ],
)
def test_values_that_no_fit_takes_are_refused_with_the_reason(section: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be 'dart': each round rescales") as caught:
        make_plan(_config({"lgbm": section}), ("lgbm",))

    assert caught.value.where == f"models.lgbm.{where}"


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ({"params": {"eta": 0.1, "learning_rate": 0.2}}, "params.learning_rate"),
        (
            {"params": {"eta": 0.1}, "search_space": {"shrinkage_rate": {"float": [0.1, 0.2]}}},
            "search_space.shrinkage_rate",
        ),
        ({"search_space": {"lambda_l2": {"int": [1, 2]}, "reg_lambda": {"int": [1, 2]}}}, "search_space.reg_lambda"),
    ],
)
def test_two_names_of_one_parameter_are_refused(section: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError, match="are one parameter of lgbm") as caught:
        make_plan(_config({"lgbm": section}), ("lgbm",))

    assert caught.value.where == f"models.lgbm.{where}"


def test_settings_of_a_family_that_is_not_trained_are_left_alone() -> None:
    assert list(make_plan(_config({"xgboost": {"params": {"nonsense": 1}}}), ("lgbm",)).families) == ["lgbm"]


def test_the_metric_follows_the_number_of_classes_unless_it_is_named() -> None:
    assert comparison_metric(_config().train, 2).name == "roc_auc"
    assert comparison_metric(_config().train, 3).name == "log_loss"
    assert comparison_metric(_config(comparison_metric="accuracy").train, 3).name == "accuracy"


def test_beta_reaches_the_metric() -> None:
    metric = comparison_metric(_config(comparison_metric="fbeta", fbeta_score_beta_val=0.5).train, 2)

    assert (metric.name, metric.beta) == ("fbeta_score", 0.5)
