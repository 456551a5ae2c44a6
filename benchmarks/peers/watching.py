"""Run a program, sample the memory of its process tree, and end it when its time is over."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL_S = 0.1
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """How a program ran.

    Attributes
    ----------
    started : float
        `time.monotonic` value just before it was started.
    peak_mb, peak_training_mb : float
        Resident memory of the whole tree, over all its life and until its model was ready; pages that processes share
        count once for each.
    """

    started: float
    ended: float
    exit_code: int
    is_killed: bool
    peak_mb: float
    peak_training_mb: float


def watch(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limit_s: Callable[[], float],
    is_training: Callable[[], bool],
    counts_root: bool = True,
) -> Watched:
    """Run a command in a folder; its output goes to ``output.txt`` there.

    Parameters
    ----------
    limit_s : callable
        Seconds after its start at which it is ended; asked ten times a second.
    is_training : callable
        Whether memory counts as the training's.
    counts_root : bool
        Whether the training's memory includes the program itself, or its descendants alone.
    """
    peak = peak_training = 0.0
    is_killed = False
    with (folder / "output.txt").open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )
        tree = Tree(process.pid)
        try:
            while not _has_ended(process):
                own, descendants = tree.root_mb(), tree.descendants_mb()
                peak = max(peak, own + descendants)
                if is_training():
                    peak_training = max(peak_training, descendants + (own if counts_root else 0.0))
                if time.monotonic() - started > limit_s():
                    is_killed = True
                    break
        finally:
            _end_tree(process)
    return Watched(
        started=started,
        ended=time.monotonic(),
        exit_code=process.wait(),
        is_killed=is_killed,
        peak_mb=peak,
        peak_training_mb=peak_training,
    )


class Tree:
    """The resident memory of a process and its descendants.

    Descendants are looked for once a second, for that reads the whole process table and would take time from the
    contestant; the memory of known ones is read each time.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._descendants: list[psutil.Process] = []
        self._looked = -math.inf

    def root_mb(self) -> float:
        """Return the memory of the process alone, in MB."""
        return _resident(self._root) / 1e6

    def descendants_mb(self) -> float:
        """Return the memory of the descendants, in MB."""
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            self._looked = time.monotonic()
            self._descendants = _descendants(self._root)
        return sum(_resident(member) for member in self._descendants) / 1e6


def _descendants(root: psutil.Process) -> list[psutil.Process]:
    try:
        return list(root.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=INTERVAL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_tree(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the session that this process leads: a contestant may leave workers behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
