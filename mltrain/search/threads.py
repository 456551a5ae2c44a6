"""How many threads one fit of a family gets, measured on its own data and on this machine."""

from __future__ import annotations

import math
import time
from concurrent.futures import wait
from dataclasses import replace

from mltrain.models.traits import traits_of
from mltrain.search.attempt import was_cut
from mltrain.search.executor import Executor
from mltrain.search.fitting import FitCall, run_fit

# Below so many cells a fit is too short to be measured beside the others; a second thread won nothing on 800 rows of 20
# columns or made the fit ten times as long, by machine.
SURELY_ONE_THREAD = 200_000
_PROBE_ROUNDS = 8
_PROBE_CELLS = 32_000_000
# Where fits are too slow to be measured, trees of fewer cells are not worth several threads.
_WORTH_ALL_THREADS = 2_000_000
# Of one probe: seconds, and the share of the time that is left.
_PROBE_S = 1.0
_PROBE_SHARE = 0.01
# One fit with all threads has its result sooner and needs less memory, so it wins a near-tie.
_WORTH_SPLITTING = 1.1
# A family that has no use for threads leaves the other cores to other families.
_NO_FASTER = 0.8


def measure_threads(call: FitCall, executor: Executor, *, n_cells: int, n_trees: int = 1) -> int:
    """Return the threads per fit that get most rounds done in all.

    Parameters
    ----------
    call : FitCall
        The fit to probe with; a few rounds of it are run and thrown away.
    n_cells : int
        Rows times features of the encoded data.
    n_trees : int
        Trees of a round, which is as many times as long.

    Notes
    -----
    On two cores, two one-threaded LightGBM fits at once did ten times the work of one fit with two threads on 800
    rows, and 0.6 times on 174,000 rows of 21 columns: the crossover depends on rows, library and machine. Only the
    time that a search takes depends on the answer, never a result. A family that says that its fits use one thread is
    believed. On letter (26 classes, so 26 small trees a round) a trial of LightGBM kept 140 rounds in 41 core-seconds
    with two threads, and 712 in 28 with one. Two rounds tell less of trees than of what a fit ends with: on 139,000
    rows of 21 columns they chose two threads twice out of three times; eight chose one each time.
    """
    if executor.n_cores == 1 or n_cells < SURELY_ONE_THREAD or not traits_of(call.family).uses_threads:
        return 1
    left_s = math.inf if call.deadline is None else max(call.deadline - time.monotonic(), 0.0)
    probe_s = min(_PROBE_S, _PROBE_SHARE * left_s)
    rounds = max(2, min(_PROBE_ROUNDS, _PROBE_CELLS // (n_cells * n_trees)))
    call = replace(call, max_rounds=rounds, bar=None)
    # The first touch of the data is not representative.
    _seconds(replace(call, max_rounds=1), executor, at_once=1, most_s=probe_s)
    alone_s = _seconds(call, executor, at_once=1, most_s=probe_s)
    if alone_s is None:  # nothing was measured; the trial itself will meet it, and tell
        return 1
    if math.isinf(alone_s):
        return executor.n_cores if n_cells >= _WORTH_ALL_THREADS else 1
    together_s = _seconds(replace(call, threads=executor.n_cores), executor, at_once=1, most_s=probe_s)
    if together_s is None or together_s > _NO_FASTER * alone_s:
        return 1
    worth_s = executor.n_cores * together_s / _WORTH_SPLITTING
    apart_s = _seconds(call, executor, at_once=executor.n_cores, most_s=worth_s)
    return executor.n_cores if apart_s is not None and math.isinf(apart_s) else 1


def _seconds(call: FitCall, executor: Executor, *, at_once: int, most_s: float) -> float | None:
    """Return the wall clock of so many short fits at once: infinite when the clock cut one, None when one failed."""
    started = time.monotonic()
    call = replace(call, deadline=started + most_s)
    futures = [executor.submit(run_fit, call) for _ in range(at_once)]
    wait(futures)
    ended = time.monotonic()
    if any(future.exception() is not None or future.result().fitted is None for future in futures):
        return None
    is_whole = ended <= started + most_s and not any(was_cut(future.result()) for future in futures)
    return ended - started if is_whole else math.inf
