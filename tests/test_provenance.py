"""Versions, machine and git state, and nothing that names who ran it."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pytest

from mltrain import __version__
from mltrain.provenance import provenance
from mltrain.repository import git_state

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")


def _git(root: Path, *arguments: str) -> str:
    author = ["-c", "user.name=A Secret", "-c", "user.email=secret@host", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *author, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "work with spaces"
    root.mkdir()
    _git(root, "init", "--quiet")
    (root / "mltrain.yaml").write_text("seed: 1\n")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "-m", "first")
    _git(root, "remote", "add", "origin", "https://name:token@example.org/x.git")
    return root


def test_versions_are_those_installed(repository: Path) -> None:
    found = provenance(repository)

    assert found.versions["mltrain"] == __version__
    assert found.versions["python"] == platform.python_version()
    for name in ("numpy", "scipy", "pandas", "pyarrow", "lightgbm", "xgboost", "catboost", "optuna"):
        assert found.versions[name] == metadata.version(name)
    assert found.versions["sklearn"] == metadata.version("scikit-learn")
    assert found.git == git_state(repository)


def test_nothing_names_the_host_the_user_or_a_secret(repository: Path) -> None:
    text = json.dumps(asdict(provenance(repository)))

    assert "https://example.org/x.git" in text
    for secret in ("token", "secret@host", "A Secret", str(repository), str(Path.home())):
        assert secret not in text
    for word in (platform.node(), getpass.getuser()):
        assert f'"{word}"' not in text
