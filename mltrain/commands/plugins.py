"""``mltrain plugins``: what can be named in the config, and who brings it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from mltrain.errors import PluginError
from mltrain.plugins import GROUPS, Group, Plugin, describe, install_extra, load, missing_libraries

_NOT_ALWAYS = {"sql": ("psycopg", "PostgreSQL cannot be read")}  # what a source does without, and what that costs


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledPlugin:
    """One plug-in.

    Attributes
    ----------
    problem : str, optional
        Why it cannot be loaded, and what to do.
    state : {"ready", "optional", "broken"}
        ``optional``: an extra of ours that is not installed.
    note : str, optional
        What it cannot do here though it is ready, and what to do.
    """

    group: Group
    name: str
    distribution: str
    value: str
    problem: str | None
    state: Literal["ready", "optional", "broken"] = "ready"
    note: str | None = None


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
    is_ours = plugin.distribution.startswith("mltrain ")
    problem: str | None = None
    note: str | None = None
    state: Literal["ready", "optional", "broken"] = "ready"
    try:
        load(plugin.group, plugin.name)
    except PluginError as error:
        problem = f"{error.message}; {error.hint}" if error.hint else error.message
        state = "optional" if is_ours and isinstance(error.__cause__, ImportError) else "broken"
    else:
        if plugin.group == "sources" and is_ours:
            problem, note = _lacks(plugin.name)
            state = "optional" if problem else "ready"
    return InstalledPlugin(
        group=plugin.group,
        name=plugin.name,
        distribution=plugin.distribution,
        value=plugin.value,
        problem=problem,
        state=state,
        note=note,
    )


def _lacks(source: str) -> tuple[str | None, str | None]:
    """Return what a source of ours cannot be used without, and what else: it imports its library when rows are read."""
    runs_elsewhere = source == "feast" and os.environ.get("MLTRAIN_FEAST_PYTHON")
    missing = missing_libraries(source)
    if not missing or runs_elsewhere:
        return None, None
    library, cost = _NOT_ALWAYS.get(source, ("", ""))
    if missing == (library,):
        return None, f"{library} not installed: {cost}; {install_extra(source)}"
    return f"{', '.join(missing)} not installed; {install_extra(source)}", None
