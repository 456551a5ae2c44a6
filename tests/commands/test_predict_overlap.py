"""Batches scored at once come out in order, and the first error in that order is the one that is raised."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mltrain.commands.predict.overlap import in_order


def test_results_keep_the_order_of_the_items() -> None:
    def slow_when_even(number: int) -> int:
        time.sleep(0.01 * (number % 2 == 0))
        return number * 10

    assert list(in_order(slow_when_even, range(20), n_workers=3)) == [number * 10 for number in range(20)]


def test_the_first_error_in_order_is_raised_after_what_came_before() -> None:
    def fail_at_two(number: int) -> int:
        if number == 2:
            time.sleep(0.02)
        if number >= 2:
            raise ValueError(f"item {number}")
        return number

    seen: list[int] = []
    with pytest.raises(ValueError, match="item 2"):
        seen.extend(in_order(fail_at_two, range(10), n_workers=4))

    assert seen == [0, 1]


def test_few_items_are_drawn_ahead() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    results = in_order(lambda number: number, items(), n_workers=2)
    for _ in range(5):
        next(results)

    assert len(drawn) <= 5 + 2
    results.close()


def test_items_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=20)

    assert list(in_order(lambda _: together.wait() >= 0, range(2), n_workers=2)) == [True, True]
