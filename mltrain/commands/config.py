"""`mltrain config`: check the file, show what it resolves to, and the schema for editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain.config.loading import load
from mltrain.config.rendering import config_hash, to_values, to_yaml
from mltrain.config.schema import json_schema
from mltrain.plan import check_models


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigCheckResult:
    """A config that is sound.

    Attributes
    ----------
    path : str
        The file that was checked.
    config_hash : str
        SHA-256 of all values, as it stands in records and reports.
    keys_set : tuple of str
        Dotted paths of the keys that the file and the overrides set.
    """

    path: str
    config_hash: str
    keys_set: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigShowResult:
    """A config with all defaults filled in.

    Attributes
    ----------
    yaml : str
        Text of a config file that says the same.
    values : mapping
        The same as nested mappings of JSON values.
    """

    path: str
    yaml: str
    values: Mapping[str, Any]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigSchemaResult:
    """The JSON Schema (draft 2020-12) of config files."""

    json_schema: Mapping[str, Any]
    exit_code: int = 0


def check(path: Path, overrides: Sequence[str] = ()) -> ConfigCheckResult:
    """Validate a config file, the parameters of its models included.

    Raises
    ------
    mltrain.errors.ConfigError
        The file is missing or wrong; tells of everything that is. A model or a parameter does not exist, or may not
        have this value.
    mltrain.errors.PluginError
        A model that it has settings for cannot be loaded.
    """
    config = load(path, overrides=overrides)
    check_models(config)
    keys_set = tuple(_dotted(config.model_dump(exclude_unset=True), prefix=""))
    return ConfigCheckResult(path=str(path), config_hash=config_hash(config), keys_set=keys_set)


def show(path: Path, overrides: Sequence[str] = ()) -> ConfigShowResult:
    """Resolve a config file: overrides, aliases and defaults.

    Raises
    ------
    mltrain.errors.ConfigError
        The file is missing or wrong; tells of everything that is.
    """
    config = load(path, overrides=overrides)
    return ConfigShowResult(path=str(path), yaml=to_yaml(config), values=to_values(config))


def schema() -> ConfigSchemaResult:
    """Return the JSON Schema of config files."""
    return ConfigSchemaResult(json_schema=json_schema())


def _dotted(values: Mapping[str, Any], *, prefix: str) -> list[str]:
    """Return the dotted paths of all leaves."""
    paths: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            paths += _dotted(value, prefix=f"{prefix}{key}.")
        else:
            paths.append(f"{prefix}{key}")
    return paths
