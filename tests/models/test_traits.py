"""What a family says of itself, and what holds where it does not."""

from __future__ import annotations

from types import SimpleNamespace

from mltrain import plugins
from mltrain.models import Shape
from mltrain.models.traits import Traits, traits_of


def test_a_family_that_says_nothing_has_the_defaults():
    assert traits_of(SimpleNamespace()) == Traits()
    assert traits_of(SimpleNamespace()).variant({"kind": "near"}) == ""
    assert traits_of(SimpleNamespace()).model_us({}, 10) == 0
    assert traits_of(SimpleNamespace()).trees_at_once({}) == 1


def test_what_a_family_says_counts():
    family = SimpleNamespace(uses_threads=False, variant=lambda params: params["kind"], name="mine", tree_us=3.0)

    traits = traits_of(family)

    assert (traits.uses_threads, traits.uses_seed, traits.tree_us) == (False, True, 3.0)
    assert traits.variant({"kind": "near"}) == "near"


def test_none_is_saying_nothing():
    assert traits_of(SimpleNamespace(variant=None, model_us=None, uses_seed=None)) == Traits()


def test_the_families_of_mltrain_say_what_is_special_about_them():
    lgbm, linear = (traits_of(plugins.load("models", name)) for name in ("lgbm", "logistic_regression"))

    assert "lightgbm" in lgbm.libraries
    assert "max_bin" in lgbm.binning
    assert lgbm.grows_tree_per_class
    assert not linear.uses_seed
    assert linear.variant({"n_landmarks": 100}) != linear.variant({})


def test_synonyms_lead_from_a_parameter_to_another():
    for name in ("lgbm", "xgboost", "catboost"):
        family = plugins.load("models", name)
        synonyms = traits_of(family).synonyms

        assert synonyms["eta"] == "learning_rate"
        assert family.parameters.issuperset([*synonyms, *synonyms.values()])
        assert synonyms.keys().isdisjoint(synonyms.values())


def test_defaults_are_of_parameters_that_there_are_and_that_first_trials_leave_out():
    for name in ("lgbm", "xgboost", "catboost", "random_forest", "logistic_regression"):
        family = plugins.load("models", name)
        shape = Shape(n_samples=1_000, n_features=10, n_classes=2, n_categorical=3)

        defaults = traits_of(family).defaults

        assert defaults
        assert set(defaults) <= family.parameters
        assert set(defaults).isdisjoint(family.space(shape))
