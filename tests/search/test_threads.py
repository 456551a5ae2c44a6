from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from mltrain.metrics import resolve
from mltrain.models import Fitted
from mltrain.search import LocalExecutor
from mltrain.search.fitting import FitCall
from mltrain.search.threads import SURELY_ONE_THREAD, measure_threads


class Sleeper:
    """A family whose fit takes so many seconds with one thread and with more, alone and beside another."""

    def __init__(self, *, one_s, more_s, crowded_s=None):
        self.one_s, self.more_s, self.crowded_s = one_s, more_s, crowded_s or one_s
        self.n_running, self.threads, self.lock = 0, [], threading.Lock()

    def fit(self, prepared, fold, *, params, limits):
        with self.lock:
            self.n_running += 1
            self.threads.append(limits.threads)
        time.sleep(0.005)
        seconds = self.more_s if limits.threads > 1 else self.crowded_s if self.n_running > 1 else self.one_s
        time.sleep(seconds)
        with self.lock:
            self.n_running -= 1
        return Fitted(model=None, n_rounds=limits.max_rounds, valid_proba=np.full((4, 2), 0.5))


def make_call(family):
    return FitCall(
        family=family,
        prepared=None,
        fold=0,
        params={},
        y_valid=np.array([0, 1, 0, 1]),
        metric=resolve("log_loss", n_classes=2),
        seed=0,
        threads=1,
        deadline=None,
    )


@pytest.mark.parametrize(
    ("family", "wanted"),
    [
        (Sleeper(one_s=0.1, more_s=0.09), 1),  # fits side by side do twice the work
        (Sleeper(one_s=0.1, more_s=0.05, crowded_s=0.2), 2),  # they are in each other's way
        (Sleeper(one_s=0.1, more_s=0.1, crowded_s=0.2), 1),  # no use for threads: the core is for somebody else
    ],
)
def test_threads_go_where_most_work_is_done(family, wanted):
    with LocalExecutor(2) as executor:
        assert measure_threads(make_call(family), executor, n_cells=SURELY_ONE_THREAD) == wanted


@pytest.mark.parametrize(("n_cells", "wanted"), [(10**9, 2), (SURELY_ONE_THREAD, 1)])
def test_a_fit_that_is_too_slow_to_measure_gets_all_threads_where_trees_are_large(n_cells, wanted):
    with LocalExecutor(2) as executor:
        assert measure_threads(make_call(Sleeper(one_s=1.2, more_s=0.7)), executor, n_cells=n_cells) == wanted


def test_a_fit_that_more_threads_make_too_slow_to_measure_gets_one():
    with LocalExecutor(2) as executor:
        assert measure_threads(make_call(Sleeper(one_s=0.1, more_s=1.5)), executor, n_cells=10**9) == 1


def test_rounds_of_many_trees_are_probed_with_fewer_of_them():
    rounds = []

    class Counting(Sleeper):
        def fit(self, prepared, fold, *, params, limits):
            rounds.append(limits.max_rounds)
            return super().fit(prepared, fold, params=params, limits=limits)

    with LocalExecutor(2) as executor:
        measure_threads(make_call(Counting(one_s=0.01, more_s=0.01)), executor, n_cells=400_000)
        measure_threads(make_call(Counting(one_s=0.01, more_s=0.01)), executor, n_cells=400_000, n_trees=26)

    assert max(rounds[:3]) == 8
    assert max(rounds[3:]) == 3


def test_small_data_and_a_single_core_are_not_measured():
    family = Sleeper(one_s=0.0, more_s=0.0)
    with LocalExecutor(2) as two, LocalExecutor(1) as one:
        assert measure_threads(make_call(family), two, n_cells=SURELY_ONE_THREAD - 1) == 1
        assert measure_threads(make_call(family), one, n_cells=10**9) == 1
    assert family.threads == []


def test_a_family_that_uses_one_thread_is_not_measured():
    family = Sleeper(one_s=0.2, more_s=0.05, crowded_s=0.4)
    family.uses_threads = False
    with LocalExecutor(2) as executor:
        assert measure_threads(make_call(family), executor, n_cells=10**9) == 1
    assert family.threads == []


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_a_fit_that_fails_gets_one_thread(error):
    def fit(*_, **__):
        raise error("no")

    family = Sleeper(one_s=0.0, more_s=0.0)
    family.fit = fit
    with LocalExecutor(2) as executor:
        assert measure_threads(make_call(family), executor, n_cells=SURELY_ONE_THREAD) == 1
