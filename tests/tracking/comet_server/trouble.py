"""The troubles of a service, of a process and of a disk, by name: how each begins and how it is over."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from comet_server.faults import Fault
from comet_server.server import CometServer

# The first question is answered well, or the client would know at once that it is cut off.
_ALL_BUT_THE_FIRST = r"^(?!.*isAlive)"
_WRONG_KEY = "WrongKeyOfSomebodyElse9876"
# The system refuses longer files, as a full disk does; `register` writes a few lines, and all of them are refused.
_FULL = """
import errno, pathlib, resource, sys
write = pathlib.Path.write_bytes
def refuse(path, data):
    if "/.trackers/" in str(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    return write(path, data)
if "mltrain.tracking.outbox" in sys.orig_argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
elif "register" in sys.orig_argv:
    pathlib.Path.write_bytes = refuse
"""
FULL_DISK = "full disk for the spool"


@dataclass(kw_only=True)
class Scene:
    """Where a trouble takes place.

    Attributes
    ----------
    event : str
        Pattern of the path of the request with which the middle of the command's work begins.
    was_met : bool
        Whether the command came into the trouble.
    struck_s : float, optional
        `time.monotonic` value at which a signal was sent.
    starved : list of (float, float)
        Time, and the seconds so far in which the command's own thread could run and other programs had the cores.
    """

    server: CometServer
    folder: Path
    environment: dict[str, str]
    event: str
    was_met: bool = False
    struck_s: float | None = None
    starved: list[tuple[float, float]] = field(default_factory=list)

    def starved_since(self, began: float) -> float:
        """Return the seconds of starving after a moment, a value of `time.time`."""
        before = [seconds for moment, seconds in self.starved if moment <= began]
        return self.starved[-1][1] - (before[-1] if before else 0.0) if self.starved else 0.0


Trouble = Callable[[Scene], contextlib.AbstractContextManager[Callable[["subprocess.Popen[str]"], None]]]
Moment = Callable[[Scene], bool]  # whether it has come


def _nothing(process: subprocess.Popen[str]) -> None:
    """Leave the process alone."""


def _played(*faults: Fault) -> Trouble:
    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        for fault in faults:
            scene.server.play(Fault(kind=fault.kind, path=fault.path, status=fault.status, seconds=fault.seconds))
        yield _nothing
        scene.was_met = any(fault.played for fault in scene.server.faults)
        for fault in scene.server.faults:
            fault.end()
        scene.server.faults = []

    return trouble


@contextlib.contextmanager
def no_trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    yield _nothing
    scene.was_met = True


@contextlib.contextmanager
def bad_key(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    scene.environment["COMET_API_KEY"] = _WRONG_KEY
    yield _nothing
    scene.was_met = any(_WRONG_KEY.encode() in h.body + str(h.headers).encode() for h in scene.server.heard)


@contextlib.contextmanager
def down_at_start(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    scene.server.go_down()
    yield _nothing
    scene.was_met = not scene.server.heard
    scene.server.come_up()


def _down_in_the_middle(seconds: float | None) -> Trouble:
    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        def fall(process: subprocess.Popen[str]) -> None:
            if _comes_to(middle, scene, process):
                scene.was_met = True
                scene.server.go_down()
                if seconds is not None:
                    time.sleep(seconds)
                    scene.server.come_up()

        yield fall
        if scene.server.is_down:
            scene.server.come_up()

    return trouble


def signalled(number: signal.Signals, moment: Moment) -> Trouble:
    """Send a signal when the moment has come."""

    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        def strike(process: subprocess.Popen[str]) -> None:
            if _comes_to(moment, scene, process):
                scene.was_met, scene.struck_s = True, time.monotonic()
                process.send_signal(number)

        yield strike

    return trouble


@contextlib.contextmanager
def full_disk(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    patch = scene.folder / "full"
    patch.mkdir()
    (patch / "sitecustomize.py").write_text(_FULL)
    scene.environment["PYTHONPATH"] = os.pathsep.join([str(patch), os.environ.get("PYTHONPATH", "")])
    scene.environment["COMET_API_KEY"] = ""  # so that there are archives to write
    yield _nothing
    log = scene.folder / "runs" / ".trackers" / "comet_ml" / "sender.log"
    told = (scene.folder / "out").read_text() + (log.read_text() if log.exists() else "")
    scene.was_met = any(sign in told.lower() for sign in ("file too large", "no space left"))


def both(first: Trouble, second: Trouble) -> Trouble:
    """Play two troubles at a time; who acts is the second."""

    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        with first(scene):
            with second(scene) as act:
                yield act
            was_met = scene.was_met
        scene.was_met = scene.was_met and was_met

    return trouble


def middle(scene: Scene) -> bool:
    """Say whether the request has come with which the middle of the work begins."""
    return any(re.search(scene.event, heard.path) for heard in list(scene.server.heard))


def request(number: int) -> Moment:
    """Return the moment of a command's first, second, … request."""
    return lambda scene: len(scene.server.heard) >= number


def seconds_into_the_hang(seconds: float) -> Moment:
    """Return a moment that comes some time after the first request that gets no answer."""
    began_s: list[float] = []

    def has_come(scene: Scene) -> bool:
        if not began_s and any(re.search(_ALL_BUT_THE_FIRST, heard.path) for heard in list(scene.server.heard)):
            began_s.append(time.monotonic())
        return bool(began_s) and time.monotonic() >= began_s[0] + seconds

    return has_come


def _comes_to(moment: Moment, scene: Scene, process: subprocess.Popen[str]) -> bool:
    """Wait for a moment; False when the command ended before."""
    while not moment(scene):
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return process.poll() is None


hang = _played(Fault(kind="hang", path=_ALL_BUT_THE_FIRST, seconds=120))
TROUBLES: dict[str, Trouble] = {
    "bad key": bad_key,
    "server down at start": down_at_start,
    "down mid-run": _down_in_the_middle(None),
    "down and back": _down_in_the_middle(2.0),
    "500s for ever": _played(Fault(kind="status", path=_ALL_BUT_THE_FIRST)),
    "429": _played(Fault(kind="throttle", path="batch/logger|log-other|list|items|create", seconds=60)),
    "hang": hang,
    "rejected uploads": _played(Fault(kind="status", path="upload|download|registry-model/item/create", status=403)),
    "SIGTERM": signalled(signal.SIGTERM, middle),
    "SIGKILL": signalled(signal.SIGKILL, middle),
    FULL_DISK: full_disk,
}


def run_in_trouble(trouble: Trouble, scene: Scene, command: list[str]) -> tuple[subprocess.Popen[str], float]:
    """Run a command while the trouble lasts; return it, ended, and the seconds it took."""
    scene.server.heard.clear()
    with trouble(scene) as act, (scene.folder / "out").open("w") as out, (scene.folder / "err").open("w") as err:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=scene.folder, env={**os.environ, **scene.environment}, stdout=out, stderr=err, text=True
        )
        actor = threading.Thread(target=act, args=(process,), daemon=True)
        actor.start()
        _watch(process, scene.starved)
        seconds = time.monotonic() - started
        actor.join(timeout=10)
        time.sleep(0.2)
    return process, seconds


def _watch(process: subprocess.Popen[str], starved: list[tuple[float, float]]) -> None:
    """Wait for a command, and note how long it stood in the queue for a core; Linux alone says that."""
    end_s = time.monotonic() + 280
    while process.poll() is None:
        if time.monotonic() > end_s:
            process.kill()
            raise TimeoutError(f"{process.args} did not end")
        with contextlib.suppress(OSError, IndexError, ValueError):
            seconds = int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9
            starved.append((time.time(), seconds))
        time.sleep(0.05)
