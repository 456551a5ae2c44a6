"""One virtual environment per contestant, made with uv and kept between runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.peers.roster import Environment

DEFAULT_FOLDER = Path("~/.cache/mltrain-bench/environments")
_INSTALLED = "installed.txt"


def make_environments(environments: Iterable[Environment], folder: Path) -> dict[str, Path]:
    """Make what is missing and return the interpreter of each environment by name.

    Raises
    ------
    subprocess.CalledProcessError
        uv could not make it.
    FileNotFoundError
        There is no uv.
    """
    return {environment.name: _interpreter(environment, folder) for environment in environments}


def installed(interpreter: Path) -> str:
    """Return what is installed beside an interpreter, one ``name==version`` a line, where it was written down."""
    listing = interpreter.parent.parent / _INSTALLED
    return listing.read_text() if listing.exists() else ""


def unpack(requirement: str, folder: Path) -> Path:
    """Return a folder that holds one package without what it depends on, for the files that it ships.

    Raises
    ------
    subprocess.CalledProcessError, FileNotFoundError
        As `make_environments`.
    """
    place = folder.expanduser() / requirement
    if not place.exists():
        half = place.with_name(f"{requirement}.half")
        _uv("pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(half), requirement)
        half.rename(place)
    return place


def warm_up(interpreter: Path, modules: Iterable[str]) -> None:
    """Import modules once in a process of their own.

    Raises
    ------
    subprocess.CalledProcessError
        One cannot be imported.
    """
    subprocess.run([str(interpreter), "-c", f"import {', '.join(modules)}"], stderr=subprocess.DEVNULL, check=True)


def _interpreter(environment: Environment, folder: Path) -> Path:
    if not environment.requirements:
        return Path(sys.executable)
    place = folder.expanduser() / environment.name
    interpreter = place / "bin" / "python"
    wanted = "# " + " ".join(environment.requirements)
    if installed(interpreter).startswith(wanted + "\n"):
        return interpreter
    print(f"environment {environment.name}: {' '.join(environment.requirements)}", file=sys.stderr)
    if not interpreter.exists():
        _uv("venv", "--python", sys.executable, str(place))
    _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(interpreter), *environment.requirements)
    listing = _uv("pip", "freeze", "--python", str(interpreter))
    (place / _INSTALLED).write_text(f"{wanted}\n{listing}")
    return interpreter


def _uv(*arguments: str) -> str:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("uv is not installed; `pip install uv` beside mltrain")
    # The system's certificates: a proxy may stand between us and the package index.
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"} | {"UV_SYSTEM_CERTS": "1"}
    return subprocess.run([uv, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
