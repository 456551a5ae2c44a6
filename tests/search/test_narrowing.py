from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.search.narrowing import limit_trials, make_plan
from mltrain.space import Choice, Float, Int

SPACE = {
    "rate": Float(low=0.01, high=1.0, log=True),
    "leaves": Int(low=2, high=64),
    "kind": Choice(options=("a", True)),
}


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        ({"rate": 0.5, "leaves": 8, "kind": True}, {"rate": 0.5, "leaves": 8, "kind": True}),
        ({"rate": 3, "leaves": 1000, "kind": "b"}, {"rate": 1.0, "leaves": 64, "kind": "a"}),
        ({"rate": 0, "leaves": 2.7, "kind": 1}, {"rate": 0.01, "leaves": 3, "kind": "a"}),
        ({}, {"rate": pytest.approx(0.1), "leaves": 33, "kind": "a"}),
        ({"rate": None, "leaves": True, "kind": None}, {"rate": pytest.approx(0.1), "leaves": 33, "kind": "a"}),
        ({"trees": 4}, {"rate": pytest.approx(0.1), "leaves": 33, "kind": "a", "trees": 4}),
    ],
)
def test_first_trials_are_moved_into_the_space(first, wanted):
    assert make_plan(SPACE, (first,), fixed={}).first_trials == (wanted,)


def test_fixed_names_leave_the_space_and_the_first_trials():
    plan = make_plan(SPACE, ({"rate": 0.5, "leaves": 8, "trees": 3},), fixed={"rate": 9.0, "trees": 1})

    assert plan.space.keys() == {"leaves", "kind"}
    assert plan.first_trials == ({"leaves": 8, "kind": "a"},)
    assert plan.fixed == {"rate": 9.0, "trees": 1}


def test_what_first_trials_leave_out_is_the_default_or_the_middle():
    space = SPACE | {"depth": Int(low=2, high=12), "penalty": Float(low=0.0, high=4.0)}

    plan = make_plan(space, ({"rate": 0.5},), fixed={}, defaults={"rate": 0.2, "depth": 1_000, "trees": 7})

    assert plan.first_trials == ({"rate": 0.5, "leaves": 33, "kind": "a", "depth": 12, "penalty": 2.0},)


def test_first_trials_of_a_sort_that_the_user_ruled_out_are_not_tried():
    plain, of_a_sort = {"rate": 0.5, "leaves": 8, "kind": "a"}, {"rate": 0.2, "leaves": 8, "kind": "a", "landmarks": 40}

    assert make_plan(SPACE, (plain, of_a_sort), fixed={"landmarks": 0}).first_trials == (plain,)
    assert len(make_plan(SPACE, (plain, of_a_sort), fixed={"landmarks": 40}).first_trials) == 2
    assert len(make_plan(SPACE, (of_a_sort,), fixed={"landmarks": 0}).first_trials) == 1


def test_first_trials_that_became_equal_are_tried_once():
    first = tuple({"rate": rate, "leaves": 8, "kind": "a"} for rate in (0.5, 0.2, 0.1))

    assert len(make_plan(SPACE, first, fixed={"rate": 0.3}).first_trials) == 1


@pytest.mark.parametrize(("max_trials", "wanted"), [(None, 2), (1, 1), (9, 2)])
def test_without_a_space_the_first_trials_are_all(max_trials, wanted):
    plan = make_plan({}, ({"trees": 1}, {"trees": 2}), fixed={})

    assert limit_trials(plan, max_trials) == wanted


@given(low=st.floats(1e-6, 1e6), factor=st.floats(1.0, 1e6), value=st.floats(allow_nan=True), log=st.booleans())
def test_numbers_always_end_inside(low, factor, value, log):
    space = {"x": Float(low=low, high=low * factor, log=log)}

    [first] = make_plan(space, ({"x": value},), fixed={}).first_trials

    assert low <= first["x"] <= low * factor
