"""Check the parameters of a family against the names it knows, and settle synonyms."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TypeVar

from mltrain.space import Params, Scalar

Value = TypeVar("Value")


def settle_parameters(
    family: str, params: Params, *, known: frozenset[str], synonyms: Mapping[str, str]
) -> dict[str, Scalar]:
    """Return the parameters under the library's own names.

    A synonym wins over the name it stands for: only users write synonyms, and what they fix is not searched.

    Raises
    ------
    ValueError
        A name is unknown; says which, and the nearest right one.
    """
    settled: dict[str, Scalar] = {}
    for name, value in sorted(params.items(), key=lambda item: item[0] in synonyms):
        own = synonyms.get(name, name)
        if own not in known:
            near = get_close_matches(name, [*known, *synonyms], n=1)
            advice = f"; did you mean '{near[0]}'" if near else ""
            raise ValueError(f"{family} has no parameter '{name}'{advice}")
        settled[own] = value
    return settled


def take_number(
    params: dict[str, Scalar], name: str, *, default: float, low: float, high: float = float("inf")
) -> float:
    """Remove a number from ``params`` and return it.

    Raises
    ------
    ValueError
        It is no number, or not in [low, high].
    """
    value = params.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"parameter '{name}' must be a number from {low:g} to {high:g}, not {value!r}")
    return float(value)


def take_choice(params: dict[str, Scalar], name: str, *, default: Scalar, options: tuple[Scalar, ...]) -> Scalar:
    """Remove one of ``options`` from ``params`` and return it.

    Raises
    ------
    ValueError
        It is none of the options.
    """
    value = params.pop(name, default)
    if value not in options:
        raise ValueError(f"parameter '{name}' must be one of {', '.join(map(str, options))}, not {value!r}")
    return value


def own_names(named: Mapping[str, Value], synonyms: Mapping[str, str]) -> dict[str, Value]:
    """Return parameters, or their ranges, under the library's own names, unknown ones as they are; a synonym wins."""
    ordered = sorted(named.items(), key=lambda item: item[0] in synonyms)
    return {synonyms.get(name, name): value for name, value in ordered}


def names_of(own: Collection[str], synonyms: Mapping[str, str]) -> frozenset[str]:
    """Return the library's own names and all synonyms of them."""
    return frozenset(own) | {name for name, meant in synonyms.items() if meant in own}


def number_or(params: Params, name: str, default: float) -> float:
    """Return a number of ``params``; ``default`` where it is missing, no number or not finite."""
    value = params.get(name, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number and value is not None and not isinstance(value, str) else default


def share_or_all(params: Params, name: str) -> float:
    """Return a share in (0, 1] of ``params``; 1 where it is missing or none, for a forecast has to live with it."""
    share = number_or(params, name, 1.0)
    return share if 0.0 < share <= 1.0 else 1.0
