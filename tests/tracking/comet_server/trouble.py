"""The troubles of a service, of a process and of a disk, by name: how each begins and how it is over."""

from __future__ import annotations

import contextlib
import os
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
_FULL = """
import resource, sys
if "mltrain.tracking.outbox" in sys.orig_argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))  # from there on the system refuses, as a full disk does
"""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where a trouble takes place.

    Attributes
    ----------
    n_before : int
        Requests that the command sends before the middle of its work.
    struck : list of float
        `time.monotonic` value at which a signal was sent.
    starved : list of float
        Seconds so far in which the command's own thread could run and other programs had the cores.
    """

    server: CometServer
    folder: Path
    environment: dict[str, str]
    n_before: int
    struck: list[float] = field(default_factory=list)
    starved: list[float] = field(default_factory=list)


Trouble = Callable[[Scene], contextlib.AbstractContextManager[Callable[["subprocess.Popen[str]"], None]]]


def _nothing(process: subprocess.Popen[str]) -> None:
    """Leave the process alone."""


def _played(*faults: Fault) -> Trouble:
    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        for fault in faults:
            scene.server.play(Fault(kind=fault.kind, path=fault.path, status=fault.status, seconds=fault.seconds))
        yield _nothing
        for fault in scene.server.faults:
            fault.end()
        scene.server.faults = []

    return trouble


@contextlib.contextmanager
def no_trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    yield _nothing


@contextlib.contextmanager
def bad_key(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    scene.environment["COMET_API_KEY"] = _WRONG_KEY
    yield _nothing


@contextlib.contextmanager
def down_at_start(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    scene.server.go_down()
    yield _nothing
    scene.server.come_up()


def _down_in_the_middle(seconds: float | None) -> Trouble:
    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        def fall(process: subprocess.Popen[str]) -> None:
            if _comes_to(scene, process):
                scene.server.go_down()
                if seconds is not None:
                    time.sleep(seconds)
                    scene.server.come_up()

        yield fall
        if scene.server.is_down:
            scene.server.come_up()

    return trouble


def _signalled(number: signal.Signals) -> Trouble:
    @contextlib.contextmanager
    def trouble(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
        def strike(process: subprocess.Popen[str]) -> None:
            if _comes_to(scene, process):
                scene.struck.append(time.monotonic())
                process.send_signal(number)

        yield strike

    return trouble


@contextlib.contextmanager
def full_disk(scene: Scene) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    patch = scene.folder / "full"
    patch.mkdir()
    (patch / "sitecustomize.py").write_text(_FULL)
    scene.environment["PYTHONPATH"] = os.pathsep.join([str(patch), os.environ.get("PYTHONPATH", "")])
    scene.environment["COMET_API_KEY"] = ""  # so that the sender has archives to write
    yield _nothing


def _comes_to(scene: Scene, process: subprocess.Popen[str]) -> bool:
    """Wait for the middle of the command's work; False when it ended before."""
    while len(scene.server.heard) < scene.n_before:
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return True


TROUBLES: dict[str, Trouble] = {
    "bad key": bad_key,
    "server down at start": down_at_start,
    "down mid-run": _down_in_the_middle(None),
    "down and back": _down_in_the_middle(2.0),
    "500s for ever": _played(Fault(kind="status", path=_ALL_BUT_THE_FIRST)),
    "429": _played(Fault(kind="throttle", path="batch/logger|log-other|list|items|create", seconds=60)),
    "hang": _played(Fault(kind="hang", path=_ALL_BUT_THE_FIRST, seconds=120)),
    "rejected uploads": _played(Fault(kind="status", path="upload|download", status=403)),
    "SIGTERM": _signalled(signal.SIGTERM),
    "SIGKILL": _signalled(signal.SIGKILL),
    "full disk for the spool": full_disk,
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


def _watch(process: subprocess.Popen[str], starved: list[float]) -> None:
    """Wait for a command, and note how long it stood in the queue for a core; Linux alone says that."""
    end_s = time.monotonic() + 280
    while process.poll() is None:
        if time.monotonic() > end_s:
            process.kill()
            raise TimeoutError(f"{process.args} did not end")
        with contextlib.suppress(OSError, IndexError, ValueError):
            starved.append(int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9)
        time.sleep(0.05)
