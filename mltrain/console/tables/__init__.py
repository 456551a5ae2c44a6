"""How each result record is drawn, by the name of its class.

By name, so that drawing one command's result does not import the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import RenderableType

from mltrain.console.tables.installation import doctor_tables, plugins_tables

TABLES: Mapping[str, Callable[[Any], Iterable[RenderableType]]] = {
    "DoctorResult": doctor_tables,
    "PluginsResult": plugins_tables,
}
