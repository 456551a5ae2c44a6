"""Write a model card: Markdown for people, JSON with the same content for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from mltrain import files
from mltrain.report.record import Card, CardGate, CardMember, CardSplit
from mltrain.report.rendering import GATE, render_card, render_gate

__all__ = ["FORMAT", "Card", "CardGate", "CardMember", "CardSplit", "card_document", "write_card", "write_gate"]

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


def write_gate(directory: Path, gate: CardGate) -> None:
    """Put another verdict into a card; all else of it stands."""
    markdown, document = directory / "model_card.md", directory / "model_card.json"
    lines = markdown.read_text(encoding="utf-8").split("\n")
    place = next((number for number, line in enumerate(lines) if line.startswith(f"- {GATE}")), None)
    if place is not None:
        lines[place] = f"- {render_gate(gate)}"
    files.write_text(markdown, "\n".join(lines))
    files.write_json(document, json.loads(document.read_text(encoding="utf-8")) | {"gate": _jsonable(gate)})


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
