from __future__ import annotations

import sys
import threading

import pytest
from threadpoolctl import threadpool_info

from mltrain.search import Executor, LocalExecutor, derive


def test_it_is_an_executor_of_so_many_cores():
    with LocalExecutor(3) as executor:
        assert isinstance(executor, Executor)
        assert executor.n_cores == 3


def test_blas_keeps_to_its_slot_and_is_given_back():
    def blas_threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas_threads()
    with LocalExecutor(2) as executor:
        inside = executor.submit(blas_threads).result()

    assert set(inside) <= {1}
    assert blas_threads() == before


def test_threads_hand_the_interpreter_on_sooner_meanwhile():
    before = sys.getswitchinterval()
    with LocalExecutor(2):
        assert sys.getswitchinterval() == pytest.approx(1e-4)
    assert sys.getswitchinterval() == before


def test_closing_does_not_wait_for_what_never_began():
    begun, gate = threading.Event(), threading.Event()

    def occupy():
        begun.set()
        return gate.wait(10)

    executor = LocalExecutor(1)
    running, waiting = executor.submit(occupy), executor.submit(occupy)
    begun.wait(10)

    executor.close()
    gate.set()

    assert running.result(timeout=5)
    assert waiting.cancelled()


def test_seeds_are_stable_and_apart():
    assert derive(42, "lgbm", 3) == 1_276_611_909  # journals on disk go on only while this holds
    assert len({derive(42, "lgbm", n, fold) for n in range(100) for fold in range(5)}) == 500
    assert derive(1, "a", "bc") != derive(1, "ab", "c")
    assert all(0 <= derive(n) < 2**31 - 1 for n in range(1000))
