from __future__ import annotations

from dataclasses import replace

import pytest

from mltrain.models import Shape
from mltrain.models.boosting import expected_rounds, most_rounds, rounds_of_trees, slowest_rate, slowest_rate_by_trees
from mltrain.models.rounds import patience


def _shape(n_samples, *, n_features=10, n_classes=2):
    return Shape(n_samples=n_samples, n_features=n_features, n_classes=n_classes)


@pytest.mark.parametrize(
    ("shape", "rate", "cap", "expected"),
    [
        (_shape(1_000), 0.1, 3000, 1000),  # what the rate can use: 100 / 0.1
        (_shape(1_000), 0.01, 3000, 3000),  # the cap
        (_shape(1_000), 5.0, 3000, 100),  # never fewer than 100 by the rate
        (_shape(1_000_000), 0.01, 3000, 600),  # 6e9 cells
        (_shape(1_000_000, n_classes=3), 0.01, 3000, 200),  # three trees a round
        (_shape(2_000_000, n_features=30), 0.01, 3000, 200),  # never fewer than 200 by the rows
        (_shape(1_000), 0.1, 7, 7),
    ],
)
def test_the_rounds_allowed(shape, rate, cap, expected):
    assert most_rounds(shape, learning_rate=rate, cap=cap) == expected


def test_patience_follows_rows_and_rounds():
    assert patience(10_000, 1000) == 300  # 3e6 / 10,000
    assert patience(1_000, 100) == 50  # 0.3 * 100 + 20
    assert patience(10_000_000, 1000) == 20


def test_small_steps_and_small_trees_take_more_rounds_up_to_the_cap():
    shape = _shape(20_000)

    assert expected_rounds(shape, learning_rate=0.05, leaves=31) > expected_rounds(shape, learning_rate=0.1, leaves=31)
    assert expected_rounds(shape, learning_rate=0.1, leaves=8) > expected_rounds(shape, learning_rate=0.1, leaves=31)
    assert expected_rounds(shape, learning_rate=1e-4, leaves=2, cap=50) == 50


@pytest.mark.parametrize(("n_classes", "expected"), [(2, 3000), (3, 1333), (10, 400), (26, 153), (100, 100)])
def test_a_tree_for_each_class_leaves_fewer_rounds(n_classes, expected):
    assert rounds_of_trees(n_classes) == expected


def test_the_lowest_learning_rate_gets_somewhere_in_the_rounds_there_are():
    two, many = _shape(1_000), _shape(1_000, n_classes=10)

    assert slowest_rate_by_trees(two) == slowest_rate(two) == 0.01
    assert slowest_rate(many) == 0.01
    assert slowest_rate_by_trees(many) == pytest.approx(12 / 400)


def test_labels_that_hardly_vary_take_fewer_rounds():
    shape = _shape(8_000)

    rounds = [
        expected_rounds(replace(shape, rarest=share), learning_rate=0.05, leaves=8) for share in (0.01, 0.05, 0.5, None)
    ]

    assert rounds[0] < rounds[1] < rounds[2] == rounds[3]
