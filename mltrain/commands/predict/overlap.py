"""Work on several batches at once, results in the order of the batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_order(work: Callable[[Item], Done], items: Iterable[Item], *, n_workers: int) -> Iterator[Done]:
    """Yield what ``work`` returns for each item, in order.

    Parameters
    ----------
    work : callable
        Called in threads; at most ``n_workers + 1`` items are held at a time.
    items : iterable
        Drawn in the caller's thread, one ahead of the workers, so that reading goes on while they work.

    Notes
    -----
    The first error, in the order of items, is raised; what was begun ends first, what was not is left out.
    """
    waiting: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(n_workers, thread_name_prefix="mltrain-score") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > n_workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
