"""Schemas as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mltrain.data import Column, ColumnKind, Schema, Target, Trait


def schema_to_dict(schema: Schema) -> dict[str, Any]:
    """Return a schema as plain values, for JSON."""
    return {
        "columns": [
            {
                "name": c.name,
                "kind": c.kind.value,
                "arrow_type": c.arrow_type,
                "reason": c.reason,
                "trait": c.trait,
            }
            for c in schema.columns
        ],
        "target": {"name": schema.target.name, "classes": list(schema.target.classes)},
        "group": schema.group,
        "time": schema.time,
    }


def schema_from_dict(record: Mapping[str, Any]) -> Schema:
    """Return the schema that `schema_to_dict` wrote.

    Raises
    ------
    ValueError
        A key is missing or a kind is unknown.
    """
    try:
        target = Target(name=record["target"]["name"], classes=tuple(record["target"]["classes"]))
        columns = tuple(
            Column(
                name=c["name"],
                kind=ColumnKind(c["kind"]),
                arrow_type=c["arrow_type"],
                reason=c.get("reason", ""),
                trait=None if c.get("trait") is None else Trait(c["trait"]),
            )
            for c in record["columns"]
        )
        return Schema(columns=columns, target=target, group=record.get("group"), time=record.get("time"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a schema: {error!r}") from error
