from __future__ import annotations

import threading

import pytest
from threadpoolctl import threadpool_info

from mltrain.search import Executor, LocalExecutor, derive, local


@pytest.mark.parametrize(
    ("n_cores", "n_samples", "n_features", "slots", "threads"),
    [
        (2, 800, 20, 2, 1),
        (2, 32_561, 14, 2, 1),
        (2, 174_000, 21, 1, 2),
        (1, 174_000, 21, 1, 1),
        (8, 32_561, 14, 8, 1),
        (64, 100_000, 30, 16, 4),
        (64, 10_000_000, 100, 1, 64),
    ],
)
def test_small_data_gets_many_fits_and_large_data_many_threads(n_cores, n_samples, n_features, slots, threads):
    with local(n_cores, n_samples=n_samples, n_features=n_features) as executor:
        assert (executor.n_slots, executor.threads_per_slot) == (slots, threads)
        assert isinstance(executor, Executor)


def test_blas_keeps_to_its_slot_and_is_given_back():
    def blas_threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas_threads()
    with LocalExecutor(n_slots=2, threads_per_slot=1) as executor:
        inside = executor.submit(blas_threads).result()

    assert set(inside) <= {1}
    assert blas_threads() == before


def test_closing_does_not_wait_for_what_never_began():
    begun, gate = threading.Event(), threading.Event()

    def occupy():
        begun.set()
        return gate.wait(10)

    executor = LocalExecutor(n_slots=1, threads_per_slot=1)
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
