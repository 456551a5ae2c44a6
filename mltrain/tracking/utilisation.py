"""How busy the machine was while runs were open: CPU, memory and, where ``nvidia-smi`` is, GPUs.

A sampler of our own, because those of trackers send host names and probe the network. It writes to the local
records, so every tracker has it. Nothing that names the machine is read.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from mltrain.errors import EnvironmentRefusal, TrackerError
from mltrain.tracking import Run
from mltrain.tracking.session import TrackedSession
from mltrain.tracking.training import SYSTEM

logger = logging.getLogger(__name__)

_FIRST_S = 1.0
_EVERY_S = 5.0
_GPU_QUERY = ("--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits")
_MB = 1024 * 1024


@contextmanager
def watched(session: TrackedSession) -> Iterator[None]:
    """Log to all open runs of a session how busy the machine is, with step = seconds since the block began."""
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(session, is_over), daemon=True, name="mltrain-utilisation")
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def sample(smi: str | None) -> dict[str, float]:
    """Return what is in use now.

    Parameters
    ----------
    smi : str, optional
        Path of ``nvidia-smi``.

    Returns
    -------
    dict of str to float
        CPU of all cores and memory of the machine in percent, of this process and its children in MB; of each GPU
        its load in percent and its memory in MB.
    """
    found = {
        f"{SYSTEM}cpu_percent": psutil.cpu_percent(None),
        f"{SYSTEM}memory_percent": psutil.virtual_memory().percent,
        f"{SYSTEM}process_memory_mb": _resident_mb(),
    }
    return found | (_gpus(smi) if smi else {})


def _watch(session: TrackedSession, is_over: threading.Event) -> None:
    smi, started = shutil.which("nvidia-smi"), time.monotonic()
    psutil.cpu_percent(None)  # the first answer has nothing to compare with
    pause_s = _FIRST_S
    while not is_over.wait(pause_s):
        pause_s = _EVERY_S
        try:
            _log(session.open_runs, sample(smi), step=int(time.monotonic() - started))
        except (EnvironmentRefusal, psutil.Error, OSError) as error:
            logger.warning("utilisation is no longer recorded: %s", error)
            return


def _log(runs: Sequence[Run], values: dict[str, float], *, step: int) -> None:
    for run in runs:
        try:
            run.log_metrics(values, step=step)
        except TrackerError as error:
            logger.debug("run %s ended meanwhile: %s", run.id, error)


def _resident_mb() -> float:
    """Return the memory of this process and its children; a child may end while it is looked at."""
    me = psutil.Process()
    total = 0
    for process in (me, *me.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / _MB


def _gpus(smi: str) -> dict[str, float]:
    """Ask the driver; an answer that cannot be read is none."""
    try:
        asked = subprocess.run([smi, *_GPU_QUERY], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
        rows = [[float(cell) for cell in line.split(",")] for line in asked.stdout.splitlines()]
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, float] = {}
    for number, (load, memory) in enumerate(row for row in rows if len(row) == 2):
        found |= {f"{SYSTEM}gpu{number}_percent": load, f"{SYSTEM}gpu{number}_memory_mb": memory}
    return found
