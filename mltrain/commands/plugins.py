"""``mltrain plugins``: what can be named in the config, and who brings it."""

from __future__ import annotations

from dataclasses import dataclass

from mltrain.errors import PluginError
from mltrain.plugins import GROUPS, Group, Plugin, describe, load


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

    Each is imported, so that what is listed without a problem can be used.
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
    return None
