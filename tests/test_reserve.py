"""What is kept back of a search's time for what comes after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain import plugins
from mltrain.candidate import Recipe
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.metrics import resolve
from mltrain.models import Fold, Objective, View
from mltrain.reserve import Allowance, seconds_after_search
from mltrain.search import SearchJob, SoFar, Trial
from mltrain.space import Float

N = 320
METRIC = resolve("roc_auc", n_classes=2)
RECIPE = Recipe(
    schema=Schema(
        columns=(Column(name="a", kind=ColumnKind.NUMERIC, arrow_type="double"),),
        target=Target(name="y", classes=("no", "yes")),
    ),
    metric=METRIC,
    final_fit="bag",
    calibration="sigmoid",
    seed=1,
)
JOB = SearchJob(
    name="logistic_regression",
    family=plugins.load("models", "logistic_regression"),
    view=View(kind="one_hot", X=np.zeros((N, 1), dtype=np.float32), feature_names=("a",)),
    y=np.arange(N) % 2,
    folds=tuple(
        Fold(train=np.flatnonzero(np.arange(N) % 3 != part), valid=np.flatnonzero(np.arange(N) % 3 == part))
        for part in range(3)
    ),
    objective=Objective(n_classes=2),
    metric=METRIC,
    space={"C": Float(low=1e-4, high=10.0, log=True)},
    first_trials=(),
    fixed={},
    seed=1,
    data_key="rows",
)
BEST = Trial(number=1, params={"C": 0.01}, state="complete", score=0.8, seed=1, threads=1, seconds=0.05)


def so_far(best: Trial | None, **progress: Any) -> SoFar:
    """How far the search has come when it knows this trial."""
    return SoFar(job=JOB, best=best, **progress)


@given(
    share_s=st.floats(0, 1e5),
    seconds=st.none() | st.floats(0, 1e6),
    is_at_hand=st.booleans(),
    final_fit=st.sampled_from(["refit", "bag"]),
)
def test_what_is_left_for_after_the_search_is_at_most_half(
    share_s: float, seconds: float | None, is_at_hand: bool, final_fit: Any
) -> None:
    best = None if seconds is None else replace(BEST, seconds=seconds)
    recipe = replace(RECIPE, final_fit=final_fit)
    allowance = Allowance(share_s=share_s, n_cores=2)

    reserved = seconds_after_search(so_far(best, is_at_hand=is_at_hand), recipe, allowance=allowance)

    must_s = min(0.35 + 0.02 * share_s, 0.5 * share_s)
    assert must_s <= reserved <= 0.5 * share_s
    assert reserved <= max(0.4 * share_s, must_s + 4e-6 * 2 * len(JOB.valid_rows))
    if best is None or (final_fit == "bag" and is_at_hand):
        calibration_s = 4e-6 * 2 * len(JOB.valid_rows)
        assert reserved == pytest.approx(min(0.35 + 0.02 * share_s + calibration_s, 0.5 * share_s))
    if seconds is not None:
        slower = replace(BEST, seconds=2 * seconds + 1)
        later = seconds_after_search(so_far(slower, is_at_hand=is_at_hand), recipe, allowance=allowance)
        # A refit that is too long is left out as a whole: what is kept is then what it is without any.
        without = seconds_after_search(so_far(None), recipe, allowance=allowance)
        assert later >= reserved or (final_fit == "refit" and later == without)


@pytest.mark.parametrize(("seconds", "expected"), [(None, 0.0), (1e-6, 0.0), (10.0, 3.0), (1e6, 0.0)])
def test_time_for_refits_of_further_voters_follows_the_best_trial_and_comes_on_top(
    seconds: float | None, expected: float
) -> None:
    best = None if seconds is None else replace(BEST, seconds=seconds)

    def reserved(final_fit: str, voters_s: float) -> float:
        recipe = replace(RECIPE, final_fit=final_fit)  # type: ignore[arg-type]
        allowance = Allowance(share_s=40.0, n_cores=2, voters_s=voters_s)
        return seconds_after_search(so_far(best), recipe, allowance=allowance)

    assert reserved("refit", 3.0) - reserved("refit", 0.0) == pytest.approx(expected, abs=1e-4)
    assert reserved("bag", 3.0) == reserved("bag", 0.0)


@pytest.mark.parametrize(("seconds", "expected"), [(None, 0.0), (1e-6, 0.0), (1e6, 3.0)])
def test_time_for_models_of_voters_on_all_rows_comes_on_top(seconds: float | None, expected: float) -> None:
    best = None if seconds is None else replace(BEST, seconds=seconds, n_rounds=(10, 10, 10))
    allowance = Allowance(share_s=40.0, n_cores=2, voters_s=3.0)

    plain, refitted = (
        seconds_after_search(so_far(best), recipe, allowance=allowance)
        for recipe in (RECIPE, replace(RECIPE, refits_voters=True))
    )

    assert refitted - plain == pytest.approx(expected, abs=1e-4)


def test_models_of_further_repeats_are_not_refitted() -> None:
    repeated = replace(JOB, folds=2 * JOB.folds)
    allowance = Allowance(share_s=40.0, n_cores=2, voters_s=30.0)

    kept_back = [
        seconds_after_search(
            SoFar(job=job, best=replace(BEST, seconds=len(job.folds) * 1.0, n_rounds=(10,) * len(job.folds))),
            replace(RECIPE, refits_voters=True),
            allowance=allowance,
        )
        for job in (JOB, repeated)
    ]

    assert kept_back[1] == pytest.approx(kept_back[0], rel=1e-3)


def test_a_busy_machine_is_left_more_time_for_what_no_fit_has_measured() -> None:
    best = replace(BEST, seconds=0.0)

    def reserved(slowness: float) -> float:
        return seconds_after_search(
            so_far(best, slowness=slowness), RECIPE, allowance=Allowance(share_s=40.0, n_cores=2)
        )

    assert reserved(3.0) == pytest.approx(3 * reserved(1.0))


def test_a_refit_is_left_the_time_to_get_all_rows_ready() -> None:
    recipe, allowance = replace(RECIPE, final_fit="refit"), Allowance(share_s=40.0, n_cores=2)

    plain, binned = (
        seconds_after_search(so_far(BEST, prepare_s=prepare_s), recipe, allowance=allowance) for prepare_s in (0.0, 6.0)
    )

    assert binned - plain == pytest.approx(6.0 / 2)  # three folds of two thirds: twice the rows


@pytest.mark.parametrize("say", [1.0, 0.25, 0.0])
def test_a_family_with_more_say_is_left_more_time_for_its_voters(say: float) -> None:
    recipe, best = replace(RECIPE, final_fit="refit"), replace(BEST, seconds=10.0)

    with_voters, without = (
        seconds_after_search(
            so_far(best, say=say), recipe, allowance=Allowance(share_s=40.0, n_cores=2, voters_s=voters_s)
        )
        for voters_s in (3.0, 0.0)
    )

    assert with_voters - without == pytest.approx(say * 3.0)


@pytest.mark.parametrize(("n_families", "is_left_out"), [(1, True), (4, False)])
def test_nothing_is_kept_for_a_refit_that_has_no_time_in_any_case(n_families: int, is_left_out: bool) -> None:
    recipe, best = replace(RECIPE, final_fit="refit"), replace(BEST, seconds=30.0)  # a refit takes half and a tenth

    kept, none = (
        seconds_after_search(so_far(trial), recipe, allowance=Allowance(share_s=40.0, n_cores=2, n_families=n_families))
        for trial in (best, None)
    )

    assert (kept == none) == is_left_out


@pytest.mark.parametrize(("threads", "n_families", "expected"), [(1, 1, 1.0), (2, 1, 1.0), (1, 4, 0.5), (2, 4, 1.0)])
def test_a_refit_has_the_cores_that_its_threads_take_and_alone_all_of_them(
    threads: int, n_families: int, expected: float
) -> None:
    recipe, best = replace(RECIPE, final_fit="refit"), replace(BEST, seconds=10.0, threads=threads)
    allowance = Allowance(share_s=100.0, n_cores=2, n_families=n_families)

    kept, none = (seconds_after_search(so_far(trial), recipe, allowance=allowance) for trial in (best, None))

    assert kept - none == pytest.approx(expected * 1.1 * 10.0 / 2)


@pytest.mark.parametrize(("n_further", "expected"), [(0, 0.0), (1, 2.75), (3, 8.25), (9, 9.0)])
def test_time_is_kept_for_refits_of_as_many_trials_as_have_a_weight(n_further: int, expected: float) -> None:
    recipe, best = replace(RECIPE, final_fit="refit"), replace(BEST, seconds=10.0)  # a refit takes half and a tenth

    with_voters, without = (
        seconds_after_search(
            so_far(best, n_further=n_further), recipe, allowance=Allowance(share_s=90.0, n_cores=2, voters_s=voters_s)
        )
        for voters_s in (9.0, 0.0)
    )

    assert with_voters - without == pytest.approx(expected)
