"""A wait with an end, for calls to services that may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from mltrain.errors import TrackerError

TIMEOUT_S = 10.0  # what a tracker may cost a command once its own work is done, and before it begins
OPEN_S = 30.0  # to open one: the import of MLflow takes 5 s by itself, on a slow disk several times that

_T = TypeVar("_T")


def within(timeout_s: float, call: Callable[[], _T]) -> _T:
    """Return what ``call`` returns or raise what it raises, but wait no longer than ``timeout_s`` seconds.

    Raises
    ------
    mltrain.errors.TrackerError
        The time is up; the call is left behind in a thread that does not keep the process alive.
    """
    answer: Future[_T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, as a pool's thread does
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True, name="mltrain-tracker").start()
    done, _ = wait([answer], timeout=timeout_s)
    if not done:
        raise TrackerError(f"no answer within {timeout_s:g} s", hint="mltrain runs sync sends what is left")
    return answer.result()
