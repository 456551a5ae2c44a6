"""The config: checked, resolved, and its schema. The last two are printed as they are, to be kept in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from mltrain.console.drawing import facts, verbatim

if TYPE_CHECKING:
    from mltrain.commands.config import ConfigCheckResult, ConfigSchemaResult, ConfigShowResult


def config_check_tables(result: ConfigCheckResult) -> Iterator[RenderableType]:
    """Draw the verdict."""
    yield facts([("config", result.path), ("sets", result.keys_set), ("hash", result.config_hash)])
    yield "the config is sound"


def config_show_tables(result: ConfigShowResult) -> Iterator[RenderableType]:
    """Print the YAML."""
    yield verbatim(result.yaml)


def config_schema_tables(result: ConfigSchemaResult) -> Iterator[RenderableType]:
    """Print the JSON Schema."""
    yield verbatim(json.dumps(result.json_schema, indent=2, ensure_ascii=False))
