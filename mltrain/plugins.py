"""Plug-ins by name, and the libraries of extras: the only user of `importlib.metadata`.

Our own implementations and those of third parties come through the same door, entry points of the groups
``mltrain.models``, ``mltrain.trackers``, ``mltrain.sources`` and ``mltrain.metrics``. This module does not
know what they are good for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, Literal, TypeAlias, get_args

from mltrain.errors import PluginError
from mltrain.installer import install

Group: TypeAlias = Literal["models", "trackers", "sources", "metrics"]
GROUPS: tuple[Group, ...] = get_args(Group)

_SINGULAR = {"models": "model family", "trackers": "tracker", "sources": "data source", "metrics": "metric"}
_EXTRAS = {"mlflow": "mlflow", "catboost": "catboost"}  # an import that fails -> the extra that brings it
_OF_EXTRA = re.compile(r"""extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugin:
    """One entry point.

    Attributes
    ----------
    value : str
        ``module:attribute``.
    distribution : str
        Name and version of the installed package that brings it.
    """

    group: Group
    name: str
    value: str
    distribution: str


def names(group: Group) -> tuple[str, ...]:
    """Return the names registered in a group, sorted."""
    return tuple(sorted(_entry_points(group)))


def describe(group: Group) -> tuple[Plugin, ...]:
    """Return what is registered in a group, sorted by name; nothing is imported."""
    return tuple(_describe(group, _entry_points(group)[name]) for name in names(group))


def load(group: Group, name: str, *, synonyms: Mapping[str, str] | None = None) -> Any:
    """Import what a name stands for.

    Parameters
    ----------
    synonyms : mapping of str to str, optional
        Other names of what is registered, one of which may be meant.

    Raises
    ------
    mltrain.errors.PluginError
        Nobody provides the name, or its import fails; the hint says what to install.
    """
    entry_point = _entry_points(group).get(name)
    if entry_point is None:
        raise _unknown(group, name, synonyms or {})
    try:
        return entry_point.load()
    except ImportError as error:
        raise _broken(group, entry_point, error) from error
    except AttributeError as error:
        message = f"{_SINGULAR[group]} '{name}' cannot be loaded: {entry_point.value} does not exist"
        raise PluginError(message, where=_describe(group, entry_point).distribution) from error


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def install_extra(extra: str) -> str:
    """Return the command that installs the libraries of one of our extras here.

    Examples
    --------
    >>> install_extra("duckdb").endswith(" 'duckdb>=1.2'")
    True
    """
    return install(*(_libraries(extra) or (extra,)))


def missing_libraries(extra: str) -> tuple[str, ...]:
    """Return the libraries of one of our extras that are not installed; none for a name that is no extra."""
    names = (re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0] for requirement in _libraries(extra))
    return tuple(name for name in names if installed_version(name) is None)


def _libraries(extra: str) -> tuple[str, ...]:
    """Return the requirements of an extra; none where what is installed is older than the extra."""
    found = []
    for line in metadata.requires("mltrain") or ():
        requirement, _, marker = line.partition(";")
        of_extra = _OF_EXTRA.search(marker)
        if of_extra is not None and of_extra["extra"] == extra:
            found.append(requirement.strip())
    return tuple(found)


@cache
def _entry_points(group: Group) -> dict[str, metadata.EntryPoint]:
    """Return the entry points of a group by name; a name of ours is ours."""
    found: dict[str, metadata.EntryPoint] = {}
    for entry_point in sorted(metadata.entry_points(group=f"mltrain.{group}"), key=_precedence):
        found.setdefault(entry_point.name, entry_point)
    return found


def _precedence(entry_point: metadata.EntryPoint) -> tuple[bool, str]:
    """Put our own entry points first, then third parties by name of the distribution."""
    owner = entry_point.dist.name if entry_point.dist else ""
    return owner != "mltrain", owner


def _describe(group: Group, entry_point: metadata.EntryPoint) -> Plugin:
    """Return the record of an entry point."""
    owner = entry_point.dist
    distribution = f"{owner.name} {owner.version}" if owner else "unknown"
    return Plugin(group=group, name=entry_point.name, value=entry_point.value, distribution=distribution)


def nearest(name: str, known: Iterable[str], synonyms: Mapping[str, str]) -> str | None:
    """Return the known name that is meant by a wrong one, whatever its case; None where none is near.

    Parameters
    ----------
    synonyms : mapping of str to str
        Other names, and the known name that each stands for.

    Examples
    --------
    >>> nearest("AUC", ["log_loss", "roc_auc"], {"auc": "roc_auc"})
    'roc_auc'
    """
    folded = {text.casefold(): synonyms.get(text, text) for text in (*synonyms, *known)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return folded[close[0]] if close else None


def _unknown(group: Group, name: str, synonyms: Mapping[str, str]) -> PluginError:
    """Return the error for a name that nobody provides."""
    installed = names(group)
    near = nearest(name, installed, synonyms)
    meant = f"did you mean '{near}'? " if near else ""
    hint = f"{meant}installed: {', '.join(installed) or 'none'}"
    return PluginError(f"no {_SINGULAR[group]} is called '{name}'", hint=hint)


def _broken(group: Group, entry_point: metadata.EntryPoint, error: ImportError) -> PluginError:
    """Return the error for a plug-in whose import failed."""
    missing = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(missing)
    hint = install_extra(extra) if extra else f"reinstall {_describe(group, entry_point).distribution}"
    message = f"{_SINGULAR[group]} '{entry_point.name}' cannot be loaded: {error}"
    return PluginError(message, where=entry_point.value, hint=hint)
