"""Self time of wrapped functions, by stage, family and part: processor and wall clock seconds of their own threads.

A coarse clock reads the processor time of its thread; a fine one, for what is called every round, only the wall clock,
and gets its share of the processor time of the coarse one around it. What a wrapped call spends in other wrapped calls
is theirs. Processor time of threads that a library starts for itself is not seen here; `weight` says who may own it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Key(NamedTuple):
    """What seconds are spent on; empty text where nobody said."""

    stage: str
    family: str
    part: str


@dataclass
class Spent:
    """Seconds of one key; ``weight`` is its processor time times the other threads that it was allowed."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    weight: float = 0.0
    n_calls: int = 0


@dataclass
class _Frame:
    key: Key
    threads: int
    is_fine: bool
    wall: float
    cpu: float = 0.0
    child_wall: float = 0.0
    child_cpu: float = 0.0
    fine: dict[Key, float] = field(default_factory=dict)


@dataclass
class _ThreadSpent:
    stack: list[_Frame] = field(default_factory=list)
    spent: dict[Key, Spent] = field(default_factory=dict)
    covered_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a wrapped call says of itself; what it leaves out it takes from the call around it.

    ``family`` and ``threads`` may be functions of the call's arguments.
    """

    part: str | None = None
    stage: str | None = None
    family: str | Callable[..., str] | None = None
    threads: Callable[..., int] | None = None


class Stopwatch:
    """Clocks around functions, each thread for itself."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._threads: list[tuple[int, _ThreadSpent]] = []

    def wrap(self, owner: Any, name: str, setting: Setting, *, fine: bool = False) -> None:
        """Replace ``owner.name`` by itself with a clock around it."""
        original = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            thread = self._thread()
            frame = _open(thread, setting, args, kwargs, is_fine=fine)
            try:
                return original(*args, **kwargs)
            finally:
                _close(thread, frame)

        setattr(owner, name, timed)

    @contextmanager
    def clock(self, setting: Setting) -> Iterator[None]:
        """Clock a block."""
        thread = self._thread()
        frame = _open(thread, setting, (), {}, is_fine=False)
        try:
            yield
        finally:
            _close(thread, frame)

    def spent(self) -> dict[Key, Spent]:
        """Return what all threads spent so far, without what still runs."""
        total: dict[Key, Spent] = {}
        for _, thread in list(self._threads):
            for key, own in list(thread.spent.items()):
                _add(total, key, own)
        return total

    def covered_s(self, *, main: bool) -> float:
        """Return the processor seconds under any clock, of the main thread or of all others."""
        ident = threading.main_thread().ident
        return sum(thread.covered_s for number, thread in self._threads if (number == ident) == main)

    def _thread(self) -> _ThreadSpent:
        found: _ThreadSpent | None = getattr(self._local, "thread", None)
        if found is None:
            found = self._local.thread = _ThreadSpent()
            self._threads.append((threading.get_ident(), found))
        return found


def _open(thread: _ThreadSpent, setting: Setting, args: Any, kwargs: Any, *, is_fine: bool) -> _Frame:
    around = thread.stack[-1] if thread.stack else None
    known = around.key if around else Key("", "", "")
    family = setting.family(*args, **kwargs) if callable(setting.family) else setting.family
    threads = setting.threads(*args, **kwargs) if setting.threads else around.threads if around else 1
    frame = _Frame(
        key=Key(setting.stage or known.stage, family or known.family, setting.part or known.part),
        threads=threads,
        is_fine=is_fine and around is not None,
        wall=time.monotonic(),
    )
    if not frame.is_fine:
        frame.cpu = time.thread_time()
    thread.stack.append(frame)
    return frame


def _close(thread: _ThreadSpent, frame: _Frame) -> None:
    cpu = 0.0 if frame.is_fine else time.thread_time() - frame.cpu
    wall = time.monotonic() - frame.wall
    thread.stack.pop()
    own_wall = wall - frame.child_wall
    around = thread.stack[-1] if thread.stack else None
    if around:
        around.child_wall += wall
    if frame.is_fine:
        coarse = next(known for known in reversed(thread.stack) if not known.is_fine)
        coarse.fine[frame.key] = coarse.fine.get(frame.key, 0.0) + own_wall
        return
    outer = next((known for known in reversed(thread.stack) if not known.is_fine), None)
    if outer:
        outer.child_cpu += cpu
    else:
        thread.covered_s += cpu
    own_cpu = cpu - frame.child_cpu
    fine_wall = sum(frame.fine.values())
    rate = own_cpu / max(own_wall + fine_wall, 1e-9)
    for key, seconds in [*frame.fine.items(), (frame.key, own_wall)]:
        weight = rate * seconds * (frame.threads - 1)
        _add(thread.spent, key, Spent(cpu_s=rate * seconds, wall_s=seconds, weight=weight, n_calls=1))


def _add(spent: dict[Key, Spent], key: Key, more: Spent) -> None:
    known = spent.setdefault(key, Spent())
    known.cpu_s += more.cpu_s
    known.wall_s += more.wall_s
    known.weight += more.weight
    known.n_calls += more.n_calls
