from __future__ import annotations

import math

import pytest

from mltrain.search.forecast import can_end_in_time, fold_share_s


@pytest.mark.parametrize(
    ("seconds_left", "ahead_s", "n_cores", "wanted"),
    [
        (math.inf, 999.0, 1, True),
        (8.1, 0.0, 1, True),  # five folds of 2 s on one core, and a fifth of luck
        (7.9, 0.0, 1, False),
        (4.9, 0.0, 2, True),  # three waves of two
        (4.9, 4.0, 2, False),  # 2 s of wall clock are taken, half of which count
        (1.7, 0.0, 8, True),
        (0.0, 0.0, 8, False),
    ],
)
def test_a_trial_of_five_folds_has_to_end(seconds_left, ahead_s, n_cores, wanted):
    answer = can_end_in_time(10.0, ahead_s=ahead_s, n_folds=5, threads=1, n_cores=n_cores, seconds_left=seconds_left)

    assert answer is wanted


def test_a_single_fit_may_be_cut_at_half_of_its_way():
    def can_end(seconds_left):
        return can_end_in_time(20.0, ahead_s=0.0, n_folds=1, threads=2, n_cores=2, seconds_left=seconds_left)

    assert can_end(5.1)
    assert not can_end(4.9)


def test_nothing_is_forecast_from_nothing():
    assert can_end_in_time(None, ahead_s=5.0, n_folds=5, threads=1, n_cores=1, seconds_left=0.001)
    assert not can_end_in_time(None, ahead_s=0.0, n_folds=5, threads=1, n_cores=1, seconds_left=0.0)


@pytest.mark.parametrize(
    ("n_without_model", "n_folds_left", "threads", "n_cores", "wanted"),
    [(1, 1, 1, 1, 60.0), (4, 5, 1, 2, 5.0), (1, 5, 2, 2, 12.0), (2, 1, 1, 2, 30.0)],
)
def test_folds_of_a_first_trial_get_equal_parts(n_without_model, n_folds_left, threads, n_cores, wanted):
    share = fold_share_s(
        60.0, n_without_model=n_without_model, n_folds_left=n_folds_left, threads=threads, n_cores=n_cores
    )

    assert share == pytest.approx(wanted)
