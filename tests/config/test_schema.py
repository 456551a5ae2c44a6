from __future__ import annotations

import json

from pydantic import BaseModel

from mltrain.config import asof, sections
from mltrain.config.schema import json_schema


def test_schema_is_json_and_names_its_draft():
    schema = json_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema


def test_schema_wants_the_source_and_the_target():
    schema = json_schema()

    assert schema["required"] == ["data"]
    assert schema["$defs"]["DataSection"]["required"] == ["source", "target"]


def test_schema_refuses_unknown_keys_in_every_section():
    schema = json_schema()

    assert schema["additionalProperties"] is False
    assert {name for name, part in schema["$defs"].items() if part["additionalProperties"] is not False} == set()


def test_every_key_is_described():
    schema = json_schema()
    described = {
        f"{name}.{key}"
        for name, part in schema["$defs"].items()
        for key, entry in part["properties"].items()
        if entry.get("description")
    }

    models = vars(asof) | vars(sections)
    expected = {f"{name}.{key}" for name in schema["$defs"] for key in models[name].model_fields}

    assert described == expected


def test_every_section_has_a_docstring_and_is_frozen():
    models = [field.annotation for field in sections.Config.model_fields.values()]
    found = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]

    assert len(found) == 6
    assert all(model.__doc__ and model.model_config["frozen"] for model in found)
