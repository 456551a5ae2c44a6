"""The space and the first trials that a sequence really uses, after what the user fixed and narrowed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mltrain.space import Choice, Dimension, Int, Params, Scalar, Space


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a sequence searches.

    Attributes
    ----------
    space : Space
        Without the fixed names.
    first_trials : tuple of Params
        Complete, inside the space, without the fixed names and without repeats. Names beyond the space are kept.
    """

    space: Space
    first_trials: tuple[Params, ...]
    fixed: Params


def make_plan(space: Space, first_trials: tuple[Params, ...], *, fixed: Params, defaults: Params | None = None) -> Plan:
    """Drop what is fixed and move every first trial into the space.

    Parameters
    ----------
    defaults : Params, optional
        What a name of the space is in first trials that leave it out, as those do to which the user added it. Without
        one it takes the middle of its range.
    """
    free = {name: dimension for name, dimension in space.items() if name not in fixed}
    alike = [first for first in first_trials if not _is_of_another_sort(first, space, fixed=fixed)]
    moved: list[Params] = []
    for first in alike or first_trials:
        inside = _move_inside({**(defaults or {}), **first}, first, free, fixed=fixed)
        if inside not in moved:
            moved.append(inside)
    return Plan(space=free, first_trials=tuple(moved), fixed=dict(fixed))


def limit_trials(plan: Plan, max_trials: int | None) -> int | None:
    """Return how many trials make sense: where nothing is searched, the first trials alone, at least one."""
    if any(not isinstance(dimension, Choice) or len(dimension.options) > 1 for dimension in plan.space.values()):
        return max_trials
    different = max(1, len(plan.first_trials))
    return different if max_trials is None else min(max_trials, different)


def _is_of_another_sort(first: Params, space: Space, *, fixed: Params) -> bool:
    """Say whether a trial is what it is by a name that is not searched, and that the user fixed to something else."""
    return any(name in fixed and name not in space and fixed[name] != value for name, value in first.items())


def _move_inside(known: Params, first: Params, space: Space, *, fixed: Params) -> Mapping[str, Scalar]:
    """Return a complete point of the space near what is ``known``, and the names of ``first`` it does not know."""
    point = {
        name: _nearest(known[name], dimension) if name in known else _middle(dimension)
        for name, dimension in space.items()
    }
    others = {name: value for name, value in first.items() if name not in space and name not in fixed}
    return point | others


def _nearest(value: Scalar, dimension: Dimension) -> Scalar:
    """Return the value of the dimension that is nearest, or its first option."""
    if isinstance(dimension, Choice):
        return next((option for option in dimension.options if _is_same(option, value)), dimension.options[0])
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return _middle(dimension)
    inside = min(max(value, dimension.low), dimension.high)
    return round(inside) if isinstance(dimension, Int) else float(inside)


def _is_same(option: Scalar, value: Scalar) -> bool:
    """Compare without taking True for 1."""
    return option == value and isinstance(option, bool) == isinstance(value, bool)


def _middle(dimension: Dimension) -> Scalar:
    """Return the middle of a range (of orders of magnitude where it is logarithmic), or the first option."""
    if isinstance(dimension, Choice):
        return dimension.options[0]
    if dimension.log:
        middle = math.exp((math.log(dimension.low) + math.log(dimension.high)) / 2)
    else:
        middle = (dimension.low + dimension.high) / 2
    inside = min(max(middle, dimension.low), dimension.high)
    return round(inside) if isinstance(dimension, Int) else float(inside)
