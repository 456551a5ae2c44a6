"""The program as its users call it: words in, an exit code and two streams out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mltrain.cli import main


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How one call ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What ``--json`` printed."""
        return json.loads(self.out)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_trackers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide keys, addresses and the home folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("COMET_", "MLFLOW_")) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("COLUMNS", "200")
        yield


@pytest.fixture(scope="session")
def program() -> Callable[..., Ended]:
    """Return a function that runs ``mltrain`` in a process of its own, in a folder."""

    def run(folder: Path, *words: str) -> Ended:
        command = [sys.executable, "-m", "mltrain", *words]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=200)
        return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return run


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs the console script's own entry in this process: seconds of imports saved."""

    def run(folder: Path, *words: str) -> Ended:
        monkeypatch.chdir(folder)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capfd.readouterr()
        return Ended(code=int(ended.value.code or 0), out=out, err=err)

    return run
