"""``mltrain plugins``: what can be named in the config, and who brings it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mltrain.errors import PluginError
from mltrain.plugins import GROUPS, Group, Plugin, describe, install_extra, load, missing_libraries


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledPlugin:
    """One plug-in.

    Attributes
    ----------
    problem : str, optional
        Why it cannot be loaded, and what to do.
    """

    group: Group
    name: str
    distribution: str
    value: str
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginsResult:
    """All plug-ins, by group and name."""

    plugins: tuple[InstalledPlugin, ...]


def plugins() -> PluginsResult:
    """Try every registered plug-in.

    Each is imported, and a source's library looked for, so that what is listed without a problem can be used.
    """
    return PluginsResult(plugins=tuple(_tried(plugin) for group in GROUPS for plugin in describe(group)))


def _tried(plugin: Plugin) -> InstalledPlugin:
    """Return a plug-in with what went wrong when it was loaded."""
    return InstalledPlugin(
        group=plugin.group,
        name=plugin.name,
        distribution=plugin.distribution,
        value=plugin.value,
        problem=_problem(plugin),
    )


def _problem(plugin: Plugin) -> str | None:
    """Return why a plug-in cannot be loaded, or None."""
    try:
        load(plugin.group, plugin.name)
    except PluginError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return _lazy_problem(plugin) if plugin.group == "sources" and plugin.distribution.startswith("mltrain ") else None


def _lazy_problem(plugin: Plugin) -> str | None:
    """Return what a source of ours lacks: it imports its library when rows are read, and is named as its extra."""
    runs_elsewhere = plugin.name == "feast" and os.environ.get("MLTRAIN_FEAST_PYTHON")
    missing = missing_libraries(plugin.name)
    if not missing or runs_elsewhere:
        return None
    return f"{', '.join(missing)} not installed; {install_extra(plugin.name)}"
