import math

import pytest

from benchmarks.peers.standing import Tally, allowed_overshoot, compare, mean_error, ranks, tally


def test_standard_error_is_sample_deviation_over_root_of_count():
    found = mean_error([1.0, 2.0, 6.0])

    # Deviations -2, -1, 3: variance 14 / 2 = 7.
    assert found.mean == pytest.approx(3.0)
    assert found.error == pytest.approx(math.sqrt(7 / 3))
    assert found.n == 3


def test_one_value_has_no_standard_error():
    assert math.isnan(mean_error([0.5]).error)


def test_no_values_have_no_mean():
    assert mean_error([]) is None


@pytest.mark.parametrize(
    ("scores", "greater_is_better", "expected"),
    [
        ({"a": 0.9, "b": 0.7, "c": 0.8}, True, {"a": 1, "b": 3, "c": 2}),
        ({"a": 0.9, "b": 0.7, "c": 0.8}, False, {"a": 3, "b": 1, "c": 2}),
        ({"a": 0.9, "b": 0.9, "c": 0.8}, True, {"a": 1.5, "b": 1.5, "c": 3}),
        ({"a": None, "b": 0.1, "c": None}, True, {"a": 2.5, "b": 1, "c": 2.5}),
        ({"a": None, "b": 9.0, "c": 0.5}, False, {"a": 3, "b": 2, "c": 1}),
    ],
)
def test_ranks_share_ties_and_put_failures_last(scores, greater_is_better, expected):
    assert ranks(scores, greater_is_better=greater_is_better) == expected


def test_ranks_of_n_contestants_sum_to_n_times_n_plus_1_over_2():
    scores = {"a": 0.4, "b": 0.4, "c": None, "d": 0.2, "e": None}

    assert sum(ranks(scores, greater_is_better=True).values()) == pytest.approx(5 * 6 / 2)


@pytest.mark.parametrize(
    ("ours", "theirs", "greater_is_better", "verdict"),
    [
        (0.8002, 0.8, True, "win"),
        (0.80005, 0.8, True, "tie"),
        (0.79995, 0.8, True, "tie"),
        (0.7998, 0.8, True, "loss"),
        (0.3, 0.4, False, "win"),
        (0.5, 0.4, False, "loss"),
        (None, 0.1, True, "loss"),
        (0.1, None, True, "win"),
        (None, None, False, "tie"),
    ],
)
def test_comparison_counts_a_ten_thousandth_as_equal_and_a_failure_as_lost(ours, theirs, greater_is_better, verdict):
    assert compare(ours, theirs, greater_is_better=greater_is_better) == verdict


def test_ties_count_as_not_worse():
    found = tally(["win", "tie", "loss", "win"])

    assert found == Tally(wins=2, ties=1, losses=1)
    assert found.share_not_worse == pytest.approx(0.75)


def test_overshoot_limit_is_two_seconds_below_forty_and_five_percent_above():
    assert [allowed_overshoot(b) for b in (10, 40, 60, 600)] == pytest.approx([2, 2, 3, 30])
