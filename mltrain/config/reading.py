"""YAML text as plain values, with the line of every key. Knows nothing of what the keys mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarbool import ScalarBoolean

from mltrain.errors import ConfigError

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One YAML mapping.

    Attributes
    ----------
    values : dict
        Plain dicts, lists, text, numbers, booleans, dates and None.
    lines : mapping
        Line of each key and list item, counted from 1, by path.
    """

    values: dict[str, Any]
    lines: Mapping[KeyPath, int]


def read_document(text: str, *, origin: str) -> Document:
    """Parse a YAML 1.2 mapping; an empty text is an empty mapping.

    Parameters
    ----------
    text : str
        What the file holds.
    origin : str
        Its name, for messages.

    Raises
    ------
    mltrain.errors.ConfigError
        Bad YAML, a tab, a duplicate key, a tag or something else than a mapping; where says file and line.
    """
    tree = _parse(text, origin=origin)
    if tree is None:
        return Document(values={}, lines={})
    if not isinstance(tree, CommentedMap):
        raise ConfigError(
            f"the config must be sections with keys, got {_sort(tree)}",
            where=origin,
            hint="start with 'data:' and put 'source:' and 'target:' below it, indented",
        )
    lines: dict[KeyPath, int] = {}
    return Document(values=_plain(tree, (), lines=lines, origin=origin), lines=lines)


def read_value(text: str, *, origin: str) -> Any:
    """Parse one YAML value, such as the right side of an override.

    Text that YAML reserves (a glob that starts with ``*``) and that opens no list, mapping or quotes is taken
    as it is.

    Raises
    ------
    mltrain.errors.ConfigError
        A list, mapping or quoted text that does not end, or a tag.
    """
    try:
        return _plain(_parse(text, origin=origin), (), lines={}, origin=origin)
    except ConfigError:
        if text.lstrip()[:1] in ("[", "{", '"', "'"):
            raise
        return text


def _parse(text: str, *, origin: str) -> Any:
    """Return ruamel's tree, or say in plain words why there is none."""
    yaml = YAML(typ="rt", pure=True)
    try:
        return yaml.load(text)
    except DuplicateKeyError as error:
        key = re.search(r'duplicate key "(.*?)" with', error.problem or "")
        message = f"key {key[1]!r} stands twice in one section" if key else "a key stands twice in one section"
        raise ConfigError(message, where=_mark(error, origin), hint="keep one of the two") from error
    except MarkedYAMLError as error:
        raise _bad_yaml(error.problem or "it cannot be read", where=_mark(error, origin)) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"character {_printable(error.character)} is not allowed in YAML"
        raise ConfigError(message, where=f"{origin}:{line}", hint="remove it") from error
    except (YAMLError, ValueError) as error:
        raise ConfigError(f"bad YAML: {error}", where=origin) from error


def _bad_yaml(problem: str, *, where: str) -> ConfigError:
    """Return the error for text that is not one YAML document."""
    if r"'\t'" in problem:
        return ConfigError("a tab stands where YAML wants spaces", where=where, hint="indent with spaces")
    if "another document" in problem:
        return ConfigError("a second document starts here", where=where, hint="remove the line '---'")
    hint = "check indentation, colons and quotes on this line and the one above"
    return ConfigError(f"bad YAML: {problem}", where=where, hint=hint)


def _printable(character: str | int) -> str:
    """Return a character that the terminal may not show, as text that it does."""
    return f"{ord(character) if isinstance(character, str) else character:#04x}"


def _sort(tree: Any) -> str:
    """Return what a document is that is no mapping."""
    return "a list" if isinstance(tree, CommentedSeq) else repr(_scalar(tree))


def _mark(error: MarkedYAMLError, origin: str) -> str:
    """Return ``file:line`` of a YAML error."""
    mark = error.problem_mark or error.context_mark
    return origin if mark is None or origin.startswith("--set") else f"{origin}:{mark.line + 1}"


def _plain(node: Any, path: KeyPath, *, lines: dict[KeyPath, int], origin: str) -> Any:
    """Turn ruamel's tree into plain values, noting the line of every key on the way."""
    if isinstance(node, CommentedMap | CommentedSeq) and node.tag.value:
        raise _tagged(_where(path, lines, origin))
    if isinstance(node, CommentedMap):
        return {
            _key(key, path, lines=lines, origin=origin): _child(node, key, path, lines=lines, origin=origin)
            for key in node
        }
    if isinstance(node, CommentedSeq):
        return [_child(node, position, path, lines=lines, origin=origin) for position in range(len(node))]
    value = _scalar(node)
    if value is not None and not isinstance(value, str | bool | int | float | date):
        raise _tagged(_where(path, lines, origin))
    return value


def _tagged(where: str) -> ConfigError:
    """Return the error for a value that asks for a type of its own."""
    return ConfigError("YAML tags and sets are not used in the config", where=where, hint="write the plain value")


def _child(node: Any, key: Any, path: KeyPath, *, lines: dict[KeyPath, int], origin: str) -> Any:
    """Return one value of a mapping or list."""
    inner: KeyPath = (*path, key)
    position = node.lc.data.get(key) if node.lc.data else None
    if position is not None:  # keys that a merge (<<) brought have none
        lines[inner] = position[0] + 1
    return _plain(node[key], inner, lines=lines, origin=origin)


def _key(key: Any, path: KeyPath, *, lines: dict[KeyPath, int], origin: str) -> str:
    """Return a key that is text, as all keys of the config are."""
    if isinstance(key, str):
        return str(key)
    raise ConfigError(
        f"key {key!r} is not text",
        where=_where((*path, key), lines, origin),
        hint=f"put it in quotes: '{key}'",
    )


def _where(path: KeyPath, lines: Mapping[KeyPath, int], origin: str) -> str:
    """Return file, line and dotted path of a value."""
    known = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)
    line = "" if known is None else f":{known}"
    return f"{origin}{line} {'.'.join(map(str, path))}".rstrip()


def _scalar(node: Any) -> Any:
    """Return the built-in value of a scalar that remembers how it was written."""
    if isinstance(node, ScalarBoolean):
        return bool(node)
    if isinstance(node, datetime):
        return datetime.combine(node.date(), node.timetz())
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
