"""Overrides of single keys: ``train.n_folds=3`` on top of what the file says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltrain.config.names import family_name
from mltrain.config.reading import read_value
from mltrain.errors import ConfigError

_SEGMENT = re.compile(r'"([^"]+)"|([^."=\s]+)')
_EXAMPLE = "write key.path=value, such as --set train.n_folds=3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """One key and the value it is to have."""

    path: tuple[str, ...]
    value: Any


def parse_override(text: str) -> Override:
    """Read ``key.path=value``: the value is YAML, a key that holds a dot stands in double quotes.

    Raises
    ------
    mltrain.errors.ConfigError
        There is no ``=``, the path is malformed, or the value is not YAML.

    Examples
    --------
    >>> parse_override("train.n_folds=3")
    Override(path=('train', 'n_folds'), value=3)
    """
    path: list[str] = []
    position = 0
    while segment := _SEGMENT.match(text, position):
        path.append(segment[1] or segment[2])
        position = segment.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    if not path or text[position : position + 1] != "=":
        raise ConfigError(f"override {text!r} is not key=value", where=f"--set {text}", hint=_EXAMPLE)
    value = read_value(text[position + 1 :], origin=f"--set {text[:position]}")
    return Override(path=tuple(path), value=value)


def option_text(key: str, value: Any) -> str:
    """Return the ``--set`` option, as a shell takes it, that gives a key a value.

    Parameters
    ----------
    value : object
        A JSON value.

    Examples
    --------
    >>> option_text("split.kind", "group"), option_text("seed", 7)
    ('--set split.kind=group', '--set seed=7')
    """
    text = value if isinstance(value, str) and _reads_as_itself(value) else json.dumps(value, ensure_ascii=False)
    return f"--set {shlex.quote(f'{key}={text}')}"


def _reads_as_itself(text: str) -> bool:
    """Say whether YAML takes a text for that very text, as it does not take ``1``, ``[a`` and nothing."""
    try:
        return bool(read_value(text, origin="") == text)
    except ConfigError:
        return False


def apply_override(values: Mapping[str, Any], override: Override) -> dict[str, Any]:
    """Return a copy of the values with one override in its place.

    Raises
    ------
    mltrain.errors.ConfigError
        The path leads through a value that has no keys.
    """
    return _replaced(values, override.path, value=override.value, whole=override.path)


def resolve_path(values: Mapping[str, Any], override: Override) -> Override:
    """Let ``models.LGBMClassifier`` mean the ``models.lgbm`` that the file has, and the other way round."""
    section, *rest = override.path
    present = values.get("models")
    if section != "models" or not rest or not isinstance(present, Mapping):
        return override
    same = [key for key in present if family_name(key) == family_name(rest[0])]
    return Override(path=(section, *(same[:1] or rest[:1]), *rest[1:]), value=override.value)


def _replaced(values: Any, path: tuple[str, ...], *, value: Any, whole: tuple[str, ...]) -> dict[str, Any]:
    """Return a copy of nested mappings with one value replaced."""
    if values is not None and not isinstance(values, Mapping):
        parent = ".".join(whole[: len(whole) - len(path)])
        raise ConfigError(
            f"{parent} is {values!r} and has no keys below it",
            where=f"--set {'.'.join(whole)}",
            hint=f"set {parent}",
        )
    first, *rest = path
    inner = dict(values or {})
    inner[first] = _replaced(inner.get(first), tuple(rest), value=value, whole=whole) if rest else value
    return inner
