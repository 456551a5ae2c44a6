from __future__ import annotations

import json

import pytest

from mltrain.data import Column, ColumnKind, Schema, Target, Trait
from mltrain.data.records import schema_from_dict, schema_to_dict


def test_schema_survives_json() -> None:
    schema = Schema(
        columns=(
            Column(name="größe", kind=ColumnKind.NUMERIC, arrow_type="double", reason="numbers"),
            Column(name="kunde", kind=ColumnKind.ID, arrow_type="string", trait=Trait.DISTINCT),
        ),
        target=Target(name="y", classes=(False, True)),
        group="kunde",
        time=None,
    )

    again = schema_from_dict(json.loads(json.dumps(schema_to_dict(schema))))

    assert again == schema
    assert [column.trait for column in again.columns] == [None, Trait.DISTINCT]


def test_a_schema_of_an_older_version_says_nothing_of_traits() -> None:
    record = {
        "columns": [{"name": "x", "kind": "id", "arrow_type": "string", "reason": "all values differ"}],
        "target": {"name": "y", "classes": [0, 1]},
    }

    assert schema_from_dict(record).columns[0].trait is None


@pytest.mark.parametrize("record", [{}, {"target": None}, {"columns": [{"name": "x", "kind": "?"}], "target": {}}])
def test_what_is_no_schema_is_a_value_error(record: dict) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind of wrong differs
        schema_from_dict(record)
