"""The config's JSON Schema, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from mltrain.config.names import FAMILIES
from mltrain.config.sections import Config

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SHIPPED = ("lgbm", "xgboost", "random_forest", "logistic_regression", "catboost")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a config file.

    Returns
    -------
    dict
        It refuses unknown keys, requires ``data.source`` and ``data.target`` and describes every key.
    """
    schema = Config.model_json_schema()
    sections = schema["$defs"]
    data = {**sections["DataSection"], "required": ["source", "target"]}
    models = {**schema["properties"]["models"], "propertyNames": {"examples": [*_SHIPPED, *FAMILIES]}}
    return {
        "$schema": _DRAFT,
        **schema,
        "title": "mltrain config",
        "required": ["data"],
        "$defs": {**sections, "DataSection": data},
        "properties": {**schema["properties"], "models": models},
    }
