"""The clock's arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.budget import REFITS, REFITS_OF_FOLD_MODELS, Budget, parse_duration
from mltrain.commands.train.session import TrainRequest, budget_for
from mltrain.config import Config


def test_without_limits_there_is_no_deadline() -> None:
    budget = Budget(started_at=100.0, total_s=None, family_s=None)

    assert budget.families_deadline(100.0, [[1.0]], ensemble_s=0.0) is None
    assert budget.ensemble_deadline(100.0) is None


def test_a_family_limit_counts_from_the_family_start() -> None:
    budget = Budget(started_at=0.0, total_s=None, family_s=180.0)

    assert budget.families_deadline(500.0, [[1.0], [3.0]], ensemble_s=5.0) == 680.0
    assert budget.families_deadline(500.0, [[1.0, 3.0]], ensemble_s=5.0) == 860.0


def test_families_share_the_budget_by_weight_and_the_last_gets_what_is_left() -> None:
    budget = Budget(started_at=0.0, total_s=100.0, family_s=None)
    spendable = 98.0 - 5.0

    together = budget.families_deadline(0.0, [[1.0, 3.0]], ensemble_s=5.0)
    first = budget.families_deadline(0.0, [[1.0], [2.0, 1.0]], ensemble_s=5.0)
    last = budget.families_deadline(10.0, [[2.0, 1.0]], ensemble_s=5.0)

    assert together == pytest.approx(spendable)
    assert first == pytest.approx(spendable / 4)
    assert last == pytest.approx(spendable)


def test_the_per_family_limit_caps_the_share() -> None:
    budget = Budget(started_at=0.0, total_s=1000.0, family_s=20.0)

    assert budget.families_deadline(0.0, [[1.0], [1.0]], ensemble_s=5.0) == 20.0


@pytest.mark.parametrize("total_s", [5.0, 10.0, 60.0, 600.0])
def test_models_are_saved_before_the_budget_ends(total_s: float) -> None:
    budget = Budget(started_at=50.0, total_s=total_s, family_s=None)

    assert budget.saved_by is not None
    assert 50.0 + 0.9 * total_s <= budget.saved_by < 50.0 + total_s


def test_an_overdrawn_budget_leaves_no_time_in_the_past() -> None:
    budget = Budget(started_at=0.0, total_s=10.0, family_s=None)

    assert budget.families_deadline(30.0, [[1.0], [2.0]], ensemble_s=0.0) == 30.0


def test_figures_are_drawn_where_there_is_time_for_them() -> None:
    drawn = [Budget(started_at=0.0, total_s=total_s, family_s=None).draws_figures for total_s in (15.0, 30.0, None)]

    assert drawn == [False, True, True]


def test_figures_wait_for_models_and_are_left_out_when_the_ensembles_time_has_begun() -> None:
    budget = Budget(started_at=100.0, total_s=60.0, family_s=None)

    assert budget.has_time_for_figures(156.9)
    assert not budget.has_time_for_figures(157.1)  # saved by 158.8, 1.8 s for the ensemble
    assert Budget(started_at=0.0, total_s=None, family_s=5.0).has_time_for_figures(1e9)
    assert not Budget(started_at=0.0, total_s=20.0, family_s=None).has_time_for_figures(1.0)


@pytest.mark.parametrize(
    ("chosen", "asked", "expected"),
    [
        ({}, {}, 180.0),
        ({}, {"budget_s": 600.0}, None),
        ({}, {"max_trials": 5}, None),
        ({}, {"budget_s": 600.0, "timeout_s": 20.0}, 20.0),
        ({"model_opt_timeout_secs": 30.0}, {"budget_s": 600.0}, 30.0),
        ({"model_opt_timeout_secs": 30.0}, {}, 30.0),
        ({"model_opt_timeout_secs": 30.0}, {"max_trials": 5}, None),
    ],
)
def test_a_family_has_a_limit_that_somebody_chose_or_the_default_where_nothing_else_ends_a_search(
    chosen: dict[str, float], asked: dict[str, Any], expected: float | None
) -> None:
    config = Config.model_validate({"data": {"source": "rows.csv", "target": "y"}, "train": chosen})

    assert budget_for(config, TrainRequest(**asked), 0.0).family_s == expected


@pytest.mark.parametrize(
    ("total_s", "family_s", "allowed_s"),
    [(20.0, None, 20.0), (None, 180.0, 360.0), (600.0, 180.0, 360.0), (20.0, 180.0, 20.0), (None, None, None)],
)
def test_what_all_families_may_take_is_the_nearest_of_the_limits(
    total_s: float | None, family_s: float | None, allowed_s: float | None
) -> None:
    budget = Budget(started_at=0.0, total_s=total_s, family_s=family_s)

    assert budget.allowed_s(2) == allowed_s


@pytest.mark.parametrize(
    ("refits", "total_s", "expected"),
    [
        (0.0, 100.0, 3.0),
        (REFITS, 100.0, 12.0),
        (REFITS_OF_FOLD_MODELS, 100.0, 23.0),
        (0.0, 5.0, 0.5),
        (0.0, 1e4, 20.0),
        (REFITS_OF_FOLD_MODELS, 1e4, 90.0),
        (REFITS, None, 0.0),
    ],
)
def test_the_ensemble_keeps_a_share_of_the_whole_and_more_where_voters_are_refitted(
    refits: float, total_s: float | None, expected: float
) -> None:
    budget = Budget(started_at=0.0, total_s=total_s, family_s=None)

    assert budget.ensemble_s(refits=refits) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("180s", 180),
        ("10m", 600),
        ("1h30m", 5400),
        ("90", 90),
        ("0.5", 0.5),
        ("1h", 3600),
        ("2min", 120),
        ("1H 5s", 3605),
    ],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "x", "10 minutes", "-5", "0", "0s", "1h30", "5m2h", "1e3", "inf", "nan", "10m10m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|above zero"):
        parse_duration(text)


@given(hours=st.integers(0, 99), minutes=st.integers(0, 99), seconds=st.integers(1, 99))
def test_units_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds
