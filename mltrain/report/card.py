"""Write a model card: Markdown for people, JSON with the same content for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from mltrain import files
from mltrain.report.record import Card, CardGate, CardMember, CardSplit
from mltrain.report.rendering import render_card

__all__ = ["FORMAT", "Card", "CardGate", "CardMember", "CardSplit", "card_document", "write_card"]

FORMAT = 1


def write_card(directory: Path, card: Card) -> tuple[Path, Path]:
    """Write ``model_card.md`` and ``model_card.json``.

    Returns
    -------
    tuple of Path
        The Markdown and the JSON file.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    markdown, document = directory / "model_card.md", directory / "model_card.json"
    files.write_text(markdown, render_card(card))
    files.write_json(document, card_document(card))
    return markdown, document


def card_document(card: Card) -> dict[str, Any]:
    """Return the card as JSON can hold it; what is not a number is null."""
    return {"format": FORMAT, **_jsonable(card)}


def _jsonable(value: Any) -> Any:
    """Turn records, mappings, tuples and numbers into their JSON form."""
    if is_dataclass(value):
        return {one.name: _jsonable(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
