"""What people read about a model: the card as Markdown, its JSON twin."""

from __future__ import annotations

from mltrain.report.card import Card, CardGate, CardMember, CardSplit, write_card, write_gate

__all__ = ["Card", "CardGate", "CardMember", "CardSplit", "write_card", "write_gate"]
