from __future__ import annotations

import json

import pytest

from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.records import schema_from_dict, schema_to_dict


def test_schema_survives_json() -> None:
    schema = Schema(
        columns=(
            Column(name="größe", kind=ColumnKind.NUMERIC, arrow_type="double", reason="numbers"),
            Column(name="kunde", kind=ColumnKind.ID, arrow_type="string"),
        ),
        target=Target(name="y", classes=(False, True)),
        group="kunde",
        time=None,
    )

    assert schema_from_dict(json.loads(json.dumps(schema_to_dict(schema)))) == schema


@pytest.mark.parametrize("record", [{}, {"target": None}, {"columns": [{"name": "x", "kind": "?"}], "target": {}}])
def test_what_is_no_schema_is_a_value_error(record: dict) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind of wrong differs
        schema_from_dict(record)
