"""Where fits run. The engine asks for cores and futures and never knows what is behind them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, TypeVar, TypeVarTuple, runtime_checkable

from threadpoolctl import threadpool_limits

# A fit on few rows asks for the interpreter after every tree of 0.2 ms; Python lets it wait 5 ms for a thread that has
# it, such as the sampler. At a fiftieth, 300 trials on 640 rows took 0.83 to 0.86 of the time.
_SWITCH_S = 1e-4

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")


@runtime_checkable
class Executor(Protocol):
    """Runs fits.

    Attributes
    ----------
    n_cores : int
        Cores that fits may keep busy, all of them together; a fit says itself how many threads it takes.
    """

    n_cores: int

    def submit(self, call: Callable[[*_Arguments], _Result], /, *args: *_Arguments) -> Future[_Result]:
        """Run ``call(*args)`` when a worker is free."""
        ...

    def close(self) -> None:
        """Drop what has not started; what runs ends by its own deadline."""
        ...


class LocalExecutor:
    """Threads of this process: the libraries release the interpreter's lock, and nothing is copied or forked.

    Forking after OpenMP ran hangs for ever in LightGBM and XGBoost, so processes are no choice here. BLAS is held to
    one thread: fits are parallel already, and its own threads would wait for each other in a spin.

    Parameters
    ----------
    n_cores : int
        Cores to use, and most calls at once.
    """

    def __init__(self, n_cores: int) -> None:
        self.n_cores = max(1, n_cores)
        self._blas = threadpool_limits(limits=1, user_api="blas")
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        self._pool = ThreadPoolExecutor(self.n_cores, thread_name_prefix="mltrain-fit", initializer=_limit_openmp)

    def submit(self, call: Callable[[*_Arguments], _Result], /, *args: *_Arguments) -> Future[_Result]:
        """Run ``call(*args)`` when a worker is free."""
        return self._pool.submit(call, *args)

    def close(self) -> None:
        """Drop what has not started, and give BLAS its threads back and the interpreter its own pace."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        sys.setswitchinterval(self._switch_s)
        self._blas.restore_original_limits()

    def __enter__(self) -> LocalExecutor:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _limit_openmp() -> None:
    """Hold what a worker starts without a word about threads to one; fits name their own number."""
    threadpool_limits(limits=1, user_api="openmp")
