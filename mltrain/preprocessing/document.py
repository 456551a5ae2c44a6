"""An encoder as a JSON document, and back without running anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, get_args

from mltrain.models import ViewKind
from mltrain.preprocessing.features import PARTS, Codes, Encoder, Feature, Level, Missing, Number

_TYPES: dict[str, type[Feature]] = {"number": Number, "missing": Missing, "codes": Codes, "level": Level}
_FORMAT = 1


def encoder_to_dict(encoder: Encoder) -> dict[str, Any]:
    """Return the encoder as lists, texts and numbers; `json` writes its floats so that they come back equal."""
    names = {cls: name for name, cls in _TYPES.items()}
    features = [{"type": names[type(feature)], **_plain(feature)} for feature in encoder.features]
    return {"format": _FORMAT, "kind": encoder.kind, "features": features}


def encoder_from_dict(document: Mapping[str, Any]) -> Encoder:
    """Return the encoder that `encoder_to_dict` wrote.

    Raises
    ------
    ValueError
        The document is not an encoder; says which part.
    """
    if not isinstance(document, Mapping) or document.get("format") != _FORMAT:
        raise ValueError(f"not an encoder of format {_FORMAT}")
    kind = document.get("kind")
    entries = document.get("features")
    if kind is None or kind not in get_args(ViewKind) or not isinstance(entries, list) or not entries:
        raise ValueError(f"encoder of kind {kind!r} has no valid list of features")
    features = tuple(_feature(entry, position) for position, entry in enumerate(entries))
    if len({feature.name for feature in features}) != len(features):
        raise ValueError("feature names of the encoder are not unique")
    return Encoder(kind=kind, features=features)


def _plain(feature: Feature) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(feature).items()}


def _feature(entry: object, position: int) -> Feature:
    cls = _TYPES.get(str(entry.get("type"))) if isinstance(entry, Mapping) else None
    if cls is None or not isinstance(entry, Mapping):
        raise ValueError(f"feature {position} of the encoder has no known type")
    values = {key: value for key, value in entry.items() if key != "type"}
    expected = {field.name: str(field.type) for field in fields(cls)}
    if set(values) != set(expected):
        raise ValueError(f"feature {position} of the encoder has keys {sorted(values)}, not {sorted(expected)}")
    for key, value in values.items():
        if not _fits(value, expected[key]):
            raise ValueError(f"feature {position} of the encoder: {key} cannot be {value!r}")
        if isinstance(value, list):
            values[key] = tuple(value)
    if values.get("scale") == 0 or values.get("log_unit") == 0:
        raise ValueError(f"feature {position} of the encoder divides by 0")
    return cls(**values)


def _fits(value: object, annotation: str) -> bool:
    """Say whether a JSON value is what the annotation of a feature's attribute asks for."""
    if value is None:
        return "None" in annotation
    if annotation.startswith("tuple"):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if annotation in ("str", "Part"):
        return isinstance(value, str) and (annotation == "str" or value in PARTS)
    if annotation == "bool" or isinstance(value, bool):
        return annotation == "bool" and isinstance(value, bool)
    return isinstance(value, int | float) and math.isfinite(value) and ("float" in annotation or _is_code(value))


def _is_code(value: float) -> bool:
    return isinstance(value, int) and value >= 0
