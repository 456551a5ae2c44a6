"""Search spaces: what a parameter may be, said by kind and never guessed from a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Params: TypeAlias = Mapping[str, Scalar]


@dataclass(frozen=True, kw_only=True, slots=True)
class Int:
    """Whole numbers from ``low`` to ``high``, both included; ``log`` searches orders of magnitude."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Float:
    """Numbers from ``low`` to ``high``, both included; ``log`` searches orders of magnitude."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One of ``options``, without an order."""

    options: tuple[Scalar, ...]


Dimension: TypeAlias = Int | Float | Choice
Space: TypeAlias = Mapping[str, Dimension]
