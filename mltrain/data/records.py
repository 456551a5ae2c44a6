"""Schemas as JSON, and fingerprints of tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.text import decoded, is_text


def schema_to_dict(schema: Schema) -> dict[str, Any]:
    """Return a schema as plain values, for JSON."""
    return {
        "columns": [
            {"name": c.name, "kind": c.kind.value, "arrow_type": c.arrow_type, "reason": c.reason}
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
            )
            for c in record["columns"]
        )
        return Schema(columns=columns, target=target, group=record.get("group"), time=record.get("time"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a schema: {error!r}") from error


def fingerprint(table: pa.Table) -> str:
    """Return the sha256 over names, types and values: the same rows in the same order give the same text.

    Chunks, dictionary encoding, the width of text offsets and what lies under nulls make no difference.
    """
    digest = hashlib.sha256(f"{table.num_rows}".encode())
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = decoded(column)
        kind = "text" if is_text(values.type) else str(values.type)
        digest.update(f"\x1e{name}\x1f{kind}\x1f".encode())
        _add_values(digest, values)
    return digest.hexdigest()


def _add_values(digest: hashlib._Hash, values: pa.ChunkedArray) -> None:
    """Add a column: where it is null, then its values with nulls as zero or as empty text."""
    if values.null_count:
        digest.update(np.packbits(np.asarray(pc.is_null(values).to_numpy(), dtype=np.bool_)).tobytes())
    numbers = _as_numbers(values)
    if numbers is not None:
        digest.update(np.ascontiguousarray(numbers).view(np.uint8).data)
        return
    texts = _as_large_text(values)
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy()
    digest.update(np.ascontiguousarray(lengths, dtype=np.int64).view(np.uint8).data)
    for chunk in pc.fill_null(texts, "").chunks:
        _, offsets, data = chunk.buffers()
        bounds = np.frombuffer(offsets, dtype=np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        if len(bounds) and data is not None:
            digest.update(memoryview(data)[int(bounds[0]) : int(bounds[-1])])


def _as_numbers(values: pa.ChunkedArray) -> np.ndarray | None:
    """Return numbers, truth values and moments as a numpy array without nulls; None for other types."""
    types, kind = pa.types, values.type
    if types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif types.is_date32(kind) or types.is_time32(kind):
        values = values.cast(pa.int32())
    elif types.is_temporal(kind) and not types.is_interval(kind):
        values = values.cast(pa.int64())
    elif not (types.is_integer(kind) or types.is_floating(kind)):
        return None
    filled = pc.fill_null(values, pa.scalar(0, values.type)) if values.null_count else values
    return np.asarray(filled.to_numpy())


def _as_large_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return other values as text; nested ones as Python writes them."""
    try:
        return values.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        written = [None if value is None else repr(value) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(written, pa.large_string())])
