"""A real feature repository over tables that are hard to join, made by whatever Python has Feast."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feature_tables import apply, make_tables

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def feast_python() -> str:
    """Return the interpreter that runs Feast: this one, the one that is named, or that of `make .venv-feast/ready`."""
    if importlib.util.find_spec("feast") is not None:
        return sys.executable
    named = os.environ.get("MLTRAIN_FEAST_PYTHON") or str(ROOT / ".venv-feast" / "bin" / "python")
    if not Path(named).is_file():
        pytest.skip("no environment has Feast: make .venv-feast/ready")
    return named


@pytest.fixture(scope="session")
def repository(feast_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with tables and a repository over them, its offline store in files."""
    folder = tmp_path_factory.mktemp("store")
    make_tables(folder)
    apply(folder, feast_python)
    return folder


@pytest.fixture
def feast(repository: Path, feast_python: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the repository's folder in a test that may ask it."""
    if feast_python != sys.executable:
        monkeypatch.setenv("MLTRAIN_FEAST_PYTHON", feast_python)
    monkeypatch.chdir(repository)
    return repository
