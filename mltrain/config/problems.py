"""What is wrong with a config, in plain words: pydantic's findings as messages with a place and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mltrain.config.asof import AsofSection, DatedTable
from mltrain.config.reading import KeyPath
from mltrain.config.sections import Config, ModelSection
from mltrain.errors import ConfigError

_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "dict": "keys with values",
    "model": "keys with values",
    "date": "a date such as 2024-01-31",
    "datetime": "a date such as 2024-01-31",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong with the value at a path.

    Attributes
    ----------
    meant : str, optional
        The key that an unknown one is probably meant to be.
    is_missing : bool
        Nothing is there; told last.
    """

    path: KeyPath
    message: str
    hint: str | None = None
    meant: str | None = None
    is_missing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where values came from, for messages.

    Attributes
    ----------
    origins : mapping
        ``file:line`` or ``--set`` by path.
    default : str
        What to say of a path that has no origin of its own: the file's name.
    """

    origins: Mapping[KeyPath, str]
    default: str

    def where(self, path: KeyPath) -> str:
        """Return the origin of a path and its dotted name."""
        return " ".join(part for part in (self._origin(path), ".".join(map(str, path))) if part)

    def order(self, path: KeyPath) -> tuple[int, ...]:
        """Return a sort key: by line in the file, overrides last."""
        line = self._origin(path).rpartition(":")[2]
        return (0, int(line)) if line.isdigit() else (1, 0)

    def _origin(self, path: KeyPath) -> str:
        """Return where a value came from: its own place, that of what holds it, or of what it holds."""
        above = [self.origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.origins]
        below = [origin for key, origin in self.origins.items() if key[: len(path)] == path]
        return next(iter([*above, *below]), self.default)


def find_problems(error: ValidationError, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return what pydantic found in the values, one problem a path, in the order found."""
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        grouped.setdefault(_path(details, values), []).append(details)
    return tuple(_problem(path, found) for path, found in grouped.items())


def config_error(problems: Sequence[Problem], places: Places) -> ConfigError:
    """Return one error that tells of all problems: one in full, several on a line each."""
    first, *others = sorted(problems, key=lambda problem: (problem.is_missing, *places.order(problem.path)))
    if not others:
        return ConfigError(first.message, where=places.where(first.path) or None, hint=first.hint)
    lines = [f"{1 + len(others)} things are wrong with the config:"]
    lines += [_line(problem, places) for problem in (first, *others)]
    return ConfigError("\n".join(lines), where=places.default or None)


def _line(problem: Problem, places: Places) -> str:
    """Return one problem on one line."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"  {places.where(problem.path)}: {problem.message}{hint}"


def _path(details: ErrorDetails, values: Mapping[str, Any]) -> KeyPath:
    """Return the path of a finding as the user wrote it, without the names of pydantic's alternatives."""
    node: Any = values
    path: list[str | int] = []
    for part in details["loc"]:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):  # a name that only pydantic uses
            break
        path.append(part)
    if details["type"] == "missing" and isinstance(details["input"], Mapping):
        path.append(details["loc"][-1])
    key = details.get("ctx", {}).get("key")
    return (*path, *str(key).split(".")) if key else tuple(path)


def _problem(path: KeyPath, found: Sequence[ErrorDetails]) -> Problem:
    """Say what is wrong at one path; several findings are the alternatives of one value."""
    details = found[0]
    kind, ctx, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "extra_forbidden":
        return unknown_key(path)
    if kind in ("config", "value_error"):
        return Problem(path=path, message=str(ctx.get("message") or ctx["error"]), hint=ctx.get("hint"))
    if kind == "literal_error":
        return _not_an_option(path, value, options=str(ctx["expected"]))
    if kind in _BOUNDS:
        words, limit = _BOUNDS[kind]
        return Problem(path=path, message=f"must be {words} {ctx[limit]:g}, got {shown(value)}")
    if kind in ("too_short", "too_long", "missing"):
        return _wrong_length(path, value, wanted=ctx.get("min_length") or ctx.get("max_length") or 2)
    return _wrong_type(path, value, kinds=[each["type"] for each in found])


def _wrong_length(path: KeyPath, value: Any, *, wanted: int) -> Problem:
    """Say that a key is missing, or how many items a list wants."""
    if isinstance(value, Mapping):
        return Problem(path=path, message=f"'{path[-1]}' is missing", hint="it has no default")
    return Problem(path=path, message=f"wants {wanted} item{'s' * (wanted > 1)}, got {shown(value)}")


def _wrong_type(path: KeyPath, value: Any, *, kinds: Sequence[str]) -> Problem:
    """Say what type is wanted."""
    names = [kind.partition("_")[0] for kind in kinds]
    if "float" in names:  # whole numbers are numbers
        names = [name for name in names if name != "int"]
    wanted = " or ".join(dict.fromkeys(_WANTED.get(name, name) for name in names))
    hint = None
    if "string" in names and isinstance(value, bool | int | float | date):
        hint = f"put it in quotes: '{value}'"
    elif "tuple" in names and isinstance(value, str | int | float):
        hint = f"write [{value}]"
    return Problem(path=path, message=f"wants {wanted}, got {shown(value)}", hint=hint)


def _not_an_option(path: KeyPath, value: Any, *, options: str) -> Problem:
    """Say which values are possible."""
    names = options.replace("'", "").replace(" or ", ", ").split(", ")
    near = difflib.get_close_matches(str(value).lower(), names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else None
    return Problem(path=path, message=f"must be one of {', '.join(names)}, got {shown(value)}", hint=hint)


def unknown_key(path: KeyPath) -> Problem:
    """Say that nothing reads a key, and which key may be meant."""
    *section, key = map(str, path)
    known = _keys(section)
    elsewhere = [name for name, fields in _sections().items() if key in fields and [name] != section]
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if elsewhere:
        hint = f"it belongs in section '{elsewhere[0]}'"
    elif near:
        hint = f"did you mean '{near[0]}'?"
    else:
        hint = _near_elsewhere(key) or f"known here: {', '.join(known)}"
    return Problem(path=path, message=f"unknown key '{key}'", hint=hint, meant=near[0] if near else None)


def _near_elsewhere(key: str) -> str | None:
    """Return a hint when another section has a key of nearly that name."""
    owners = {field: name for name, fields in _sections().items() for field in fields}
    near = difflib.get_close_matches(key, owners, n=1, cutoff=0.8)
    return f"did you mean '{near[0]}' of section '{owners[near[0]]}'?" if near else None


def _keys(section: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that a section knows."""
    if section[:1] == ["models"]:
        return tuple(ModelSection.model_fields) if len(section) == 2 else ("int", "float", "choice", "log")
    if section[:2] == ["data", "asof"]:
        return tuple((AsofSection if len(section) == 2 else DatedTable).model_fields)
    return _sections().get(section[0], ()) if section else tuple(Config.model_fields)


def _sections() -> dict[str, tuple[str, ...]]:
    """Return the keys of each section, by the section's name."""
    found = {}
    for name, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found[name] = tuple(field.annotation.model_fields)
    return found


def shown(value: Any) -> str:
    """Return a value as it is said in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
