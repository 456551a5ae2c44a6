"""What a training session will do: every name resolved before any data is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

from mltrain import metrics, plugins
from mltrain.config import Config, ModelSection, TrainSection
from mltrain.config.names import FAMILIES, family_name
from mltrain.errors import ConfigError, UsageError
from mltrain.metrics import Metric
from mltrain.models import ModelFamily
from mltrain.models.traits import Traits, traits_of
from mltrain.space import Choice, Scalar

ENSEMBLE = "ensemble"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Families to train, in order, and whether they vote.

    Attributes
    ----------
    families : mapping of registered name to ModelFamily
    ensemble_alone : bool
        Nothing is searched: the ensemble is built from the trials that earlier sessions left behind.
    """

    families: dict[str, ModelFamily]
    ensemble: bool
    ensemble_alone: bool


def make_plan(config: Config, models: tuple[str, ...]) -> Plan:
    """Resolve the models asked for on the command line, or those of the config.

    Raises
    ------
    mltrain.errors.PluginError
        A name is unknown or its plug-in cannot be loaded.
    mltrain.errors.UsageError
        The ensemble is asked for with fewer than two families to vote.
    mltrain.errors.ConfigError
        The config has settings for a model or a parameter that does not exist, for one parameter under two names, or a
        value that a parameter cannot have.
    """
    asked = tuple(dict.fromkeys(str(family_name(m)) for m in models)) or config.train.supported_models
    alone = asked == (ENSEMBLE,)
    names = tuple(n for n in (config.train.supported_models if alone else asked) if n != ENSEMBLE)
    families = {name: cast("ModelFamily", plugins.load("models", name, synonyms=FAMILIES)) for name in names}
    _refuse_wrong_settings(config, families)
    if ENSEMBLE in asked and len(families) < 2:
        raise UsageError(
            f"an ensemble needs two model families or more, {len(families)} named",
            hint="name more with --model, or in train.supported_models",
        )
    wanted = config.train.ensemble or ENSEMBLE in asked
    return Plan(families=families, ensemble=wanted and len(families) >= 2, ensemble_alone=alone)


def check_models(config: Config) -> None:
    """Refuse what the config says of models, whether this session would train them or not.

    Raises
    ------
    mltrain.errors.PluginError
        A family that it has settings for cannot be loaded.
    mltrain.errors.ConfigError
        As from `make_plan`.
    """
    known = plugins.names("models")
    named = [name for name in config.models if name in known]
    _refuse_wrong_settings(config, {name: cast("ModelFamily", plugins.load("models", name)) for name in named})


def comparison_metric(settings: TrainSection, n_classes: int) -> Metric:
    """Return the metric that models are compared by: the config's, or the default for this many classes."""
    name = settings.comparison_metric or metrics.default_metric(n_classes)
    return metrics.resolve(name, beta=settings.fbeta_score_beta_val, n_classes=n_classes)


def _refuse_wrong_settings(config: Config, families: Mapping[str, ModelFamily]) -> None:
    known = plugins.names("models")
    for name, section in config.models.items():
        if name not in known:
            raise ConfigError(
                f"'{name}' is the name of no model family",
                where=f"models.{name}",
                hint=f"installed: {', '.join(known)}",
            )
        if name in families:
            _refuse_unknown_parameters(name, section, families[name])
            _refuse_two_names(name, section, traits_of(families[name]).synonyms)
            _refuse_values(name, section, traits_of(families[name]))


def _refuse_unknown_parameters(name: str, section: ModelSection, family: ModelFamily) -> None:
    for part, parameter in _named(section):
        if parameter not in family.parameters:
            near = get_close_matches(parameter, family.parameters, n=1)
            raise ConfigError(
                f"{name} has no parameter '{parameter}'",
                where=f"models.{name}.{part}.{parameter}",
                hint=f"did you mean '{near[0]}'?" if near else "see its library's documentation",
            )


def _refuse_two_names(name: str, section: ModelSection, synonyms: Mapping[str, str]) -> None:
    first: dict[str, str] = {}
    for part, parameter in _named(section):
        other = first.setdefault(synonyms.get(parameter, parameter), parameter)
        if other != parameter:
            raise ConfigError(
                f"'{other}' and '{parameter}' are one parameter of {name}",
                where=f"models.{name}.{part}.{parameter}",
                hint="keep one of the two",
            )


def _refuse_values(name: str, section: ModelSection, traits: Traits) -> None:
    ranges = {parameter: entry.dimension() for parameter, entry in section.search_space.items()}
    options = {parameter: range_.options for parameter, range_ in ranges.items() if isinstance(range_, Choice)}
    asked: list[tuple[str, str, tuple[Scalar, ...]]]
    asked = [("params", parameter, (value,)) for parameter, value in section.params.items()]
    asked += [("search_space", parameter, values) for parameter, values in options.items()]
    for part, parameter, values in asked:
        reasons = traits.refused.get(traits.synonyms.get(parameter, parameter), {})
        for value in values:
            if (reason := reasons.get(str(value).lower())) is not None:
                raise ConfigError(
                    f"'{parameter}' of {name} cannot be '{value}': {reason}",
                    where=f"models.{name}.{part}.{parameter}",
                    hint="choose another value, or leave it out",
                )


def _named(section: ModelSection) -> Iterator[tuple[str, str]]:
    """Yield the part of the section and the name of each parameter."""
    yield from (("params", parameter) for parameter in section.params)
    yield from (("search_space", parameter) for parameter in section.search_space)
