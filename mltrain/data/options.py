"""Settings of a data source, checked: a wrong one is named, with the nearest right name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mltrain.data.nearest import suggest
from mltrain.errors import ConfigError

WHERE = "data.options"


class SourceOptions(BaseModel):
    """What all settings of sources share: frozen, unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NoOptions(SourceOptions):
    """The settings of a source that has none."""


Options = TypeVar("Options", bound=SourceOptions)


def checked_options(model: type[Options], options: Mapping[str, Any], *, source: str) -> Options:
    """Return the settings of a source, or say which one is wrong.

    Parameters
    ----------
    source : str
        Name of the source, for messages.

    Raises
    ------
    mltrain.errors.ConfigError
        A setting is unknown or has a wrong value; the value itself is not shown.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        wrong = error.errors()[0]
    place = ".".join(map(str, wrong["loc"]))
    if wrong["type"] == "extra_forbidden":
        hint = suggest(place, list(model.model_fields)) if model.model_fields else "remove it"
        raise ConfigError(f"{source} has no option {place!r}", where=WHERE, hint=hint)
    message = wrong["msg"].removeprefix("Value error, ")
    where = f"{WHERE}.{place}" if place else WHERE
    raise ConfigError(message[:1].lower() + message[1:] + (f": {place!r}" if place else ""), where=where)
