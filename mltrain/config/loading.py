"""From a YAML file and overrides to a `Config`, or one error that tells of everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mltrain.config.overrides import apply_override, parse_override, resolve_path
from mltrain.config.problems import Places, Problem, config_error, find_problems
from mltrain.config.reading import Document, KeyPath, read_document
from mltrain.config.registered import unknown_names
from mltrain.config.sections import Config
from mltrain.errors import ConfigError
from mltrain.files import disk_errors

_REQUIRED = {
    "source": "name a Parquet or CSV file, or example:churn; `mltrain init DATA --target COL` writes it down",
    "target": "name the column to predict",
}


def load(path: Path, *, overrides: Sequence[str] = (), require_data: bool = True) -> Config:
    """Read, override and validate a config file.

    Parameters
    ----------
    path : Path
        YAML 1.2 in UTF-8.
    overrides : sequence of str
        ``key.path=value`` each, values in YAML; the last one wins.
    require_data : bool
        Refuse a config without ``data.source`` or ``data.target``.

    Returns
    -------
    Config
        Frozen; aliases of models, metrics and trackers are resolved.

    Raises
    ------
    mltrain.errors.ConfigError
        The file is missing, is not YAML, or has unknown keys, wrong values or names of models, trackers and metrics
        that nobody provides; tells of all of them, where and what to do.
    mltrain.errors.EnvironmentRefusal
        The file cannot be read for lack of permission.
    """
    document = read_document(_read(path), origin=str(path))
    origins = {key: f"{path}:{line}" for key, line in document.lines.items()}
    return _override(document.values, overrides, Places(origins=origins, default=str(path)), require_data=require_data)


def from_overrides(overrides: Sequence[str]) -> Config:
    """Return what overrides alone say, where there is no config file yet; nothing is required.

    Raises
    ------
    mltrain.errors.ConfigError
        As `load`.
    """
    return _override({}, overrides, Places(origins={}, default="--set"), require_data=False)


def from_mapping(mapping: Mapping[str, Any], *, require_data: bool = True) -> Config:
    """Validate a config given as nested mappings, as `load` does with a file.

    Raises
    ------
    mltrain.errors.ConfigError
        Unknown keys or wrong values; tells of all of them.

    Examples
    --------
    >>> from_mapping({"data": {"source": "example:churn", "target": "churned"}}).seed
    42
    """
    return _validate(mapping, Places(origins={}, default=""), require_data=require_data)


def parse(text: str, *, origin: str, require_data: bool = True) -> Config:
    """Validate a config given as YAML text; ``origin`` names it in messages.

    Raises
    ------
    mltrain.errors.ConfigError
        As `load`.
    """
    document: Document = read_document(text, origin=origin)
    origins = {key: f"{origin}:{line}" for key, line in document.lines.items()}
    return _validate(document.values, Places(origins=origins, default=origin), require_data=require_data)


def _read(path: Path) -> str:
    """Return the text of a config file."""
    if path.is_dir():
        raise ConfigError("a folder is not a config file", where=str(path), hint=f"name {path / 'mltrain.yaml'}")
    try:
        with disk_errors(path):
            return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        hint = "`mltrain init DATA --target COL` writes one, or name yours with --config"
        raise ConfigError("there is no config file", where=str(path), hint=hint) from error
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8 text: byte {error.object[error.start]:#04x} at position {error.start}"
        raise ConfigError(message, where=str(path), hint="save it as UTF-8") from error


def _override(values: Mapping[str, Any], overrides: Sequence[str], places: Places, *, require_data: bool) -> Config:
    """Return the config that values and overrides give, the last override on top."""
    origins = dict(places.origins)
    for text in overrides:
        override = resolve_path(values, parse_override(text))
        values = apply_override(values, override)
        origins = _overridden(origins, override.path)
    return _validate(values, Places(origins=origins, default=places.default), require_data=require_data)


def _overridden(origins: Mapping[KeyPath, str], path: KeyPath) -> dict[KeyPath, str]:
    """Return the origins after an override of one path: what lay below it in the file is gone."""
    kept = {key: origin for key, origin in origins.items() if key[: len(path)] != path}
    return {**kept, path: "--set"}


def _validate(values: Mapping[str, Any], places: Places, *, require_data: bool) -> Config:
    """Return the config, or raise one error for all problems."""
    problems = (*unknown_names(values), *(_missing_data(values) if require_data else ()))
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        found = find_problems(error, values)
        meant = {problem.meant for problem in found}
        others = [problem for problem in problems if problem.path[-1] not in meant]
        raise config_error((*found, *others), places) from error
    if problems:
        raise config_error(problems, places)
    return config


def _missing_data(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return a problem for each key of the data section that has no default and is not there."""
    data = values.get("data") or {}
    if not isinstance(data, Mapping):
        return ()
    return tuple(
        Problem(path=("data", key), message=f"data.{key} is missing", hint=hint, is_missing=True)
        for key, hint in _REQUIRED.items()
        if data.get(key) in (None, "")
    )
