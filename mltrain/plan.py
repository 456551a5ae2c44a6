"""What a training session will do: every name resolved before any data is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from mltrain import plugins
from mltrain.config import Config
from mltrain.config.names import family_name
from mltrain.errors import ConfigError, UsageError
from mltrain.models import ModelFamily

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
        The config has settings for a model that does not exist.
    """
    asked = tuple(dict.fromkeys(str(family_name(m)) for m in models)) or config.train.supported_models
    alone = asked == (ENSEMBLE,)
    names = tuple(n for n in (config.train.supported_models if alone else asked) if n != ENSEMBLE)
    families = {name: cast("ModelFamily", plugins.load("models", name)) for name in names}
    _refuse_unknown_settings(config)
    if alone and len(families) < 2:
        raise UsageError(
            f"an ensemble needs two model families or more, train.supported_models names {len(families)}",
            hint="name more families in train.supported_models",
        )
    wanted = config.train.ensemble or ENSEMBLE in asked
    return Plan(families=families, ensemble=wanted and len(families) >= 2, ensemble_alone=alone)


def _refuse_unknown_settings(config: Config) -> None:
    known = plugins.names("models")
    for name in config.models:
        if name not in known:
            raise ConfigError(
                f"models.{name} is the name of no model family",
                where=f"models.{name}",
                hint=f"installed: {', '.join(known)}",
            )
