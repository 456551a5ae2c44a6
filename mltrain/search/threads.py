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
_PROBE_CELLS = 8_000_000
_PROBE_S = 2.0
_PROBE_SHARE = 0.02
# One fit with all threads has its result sooner and needs less memory, so it wins a near-tie.
_WORTH_SPLITTING = 1.1
# A family that has no use for threads leaves the other cores to other families.
_NO_FASTER = 0.8


def measure_threads(call: FitCall, executor: Executor, *, n_cells: int) -> int:
    """Return the threads per fit that get most rounds done in all.

    Parameters
    ----------
    call : FitCall
        The fit to probe with; a few rounds of it are run and thrown away.
    n_cells : int
        Rows times features of the encoded data.

    Notes
    -----
    On two cores, two one-threaded LightGBM fits at once did ten times the work of one fit with two threads on 800
    rows, and 0.6 times on 174,000 rows of 21 columns: the crossover depends on rows, library and machine. Only the
    time that a search takes depends on the answer, never a result. A family that says that its fits use one thread is
    believed.
    """
    if executor.n_cores == 1 or n_cells < SURELY_ONE_THREAD or not traits_of(call.family).uses_threads:
        return 1
    now = time.monotonic()
    probe_s = _PROBE_S if call.deadline is None else min(_PROBE_S, _PROBE_SHARE * max(call.deadline - now, 0.0))
    rounds = max(2, min(_PROBE_ROUNDS, _PROBE_CELLS // n_cells))
    call = replace(call, max_rounds=rounds, bar=None, deadline=now + probe_s)
    _seconds(replace(call, max_rounds=1), executor, at_once=1)  # the first touch of the data is not representative
    alone_s = _seconds(call, executor, at_once=1)
    together_s = _seconds(replace(call, threads=executor.n_cores), executor, at_once=1)
    if alone_s is None or together_s is None:  # nothing was measured; the trial itself will meet it, and tell
        return 1
    if math.isinf(max(alone_s, together_s)):  # so slow that the clock ran out: to have any result soon
        return executor.n_cores
    if together_s > _NO_FASTER * alone_s:
        return 1
    apart_s = _seconds(call, executor, at_once=executor.n_cores)
    if apart_s is None or executor.n_cores * together_s > _WORTH_SPLITTING * apart_s:
        return 1
    return executor.n_cores


def _seconds(call: FitCall, executor: Executor, *, at_once: int) -> float | None:
    """Return the wall clock of so many short fits at once: infinite when the clock cut one, None when one failed."""
    assert call.deadline is not None
    started = time.monotonic()
    futures = [executor.submit(run_fit, call) for _ in range(at_once)]
    wait(futures)
    ended = time.monotonic()
    if any(future.exception() is not None or future.result().fitted is None for future in futures):
        return None
    is_whole = ended <= call.deadline and not any(was_cut(future.result()) for future in futures)
    return ended - started if is_whole else math.inf
