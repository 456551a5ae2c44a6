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
from mltrain.provenance import GitState, git_state, provenance

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


def test_a_clean_commit(repository: Path) -> None:
    assert git_state(repository) == GitState(commit=_git(repository, "rev-parse", "HEAD"), dirty=False)


def test_a_changed_file_makes_it_dirty_and_a_new_one_does_not(repository: Path) -> None:
    (repository / "runs").mkdir()
    (repository / "runs" / "new.txt").write_text("x")
    clean = git_state(repository)
    (repository / "mltrain.yaml").write_text("seed: 2\n")
    changed = git_state(repository)

    assert clean is not None
    assert changed is not None
    assert not clean.dirty
    assert changed == GitState(commit=clean.commit, dirty=True)


def test_a_folder_inside_a_repository(repository: Path) -> None:
    (repository / "inner").mkdir()

    assert git_state(repository / "inner") == git_state(repository)


def test_no_repository_no_commit_no_git(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert git_state(empty) is None
    _git(empty, "init", "--quiet")
    assert git_state(empty) is None
    assert git_state(tmp_path / "missing") is None
    monkeypatch.setenv("PATH", str(empty))
    assert git_state(repository) is None


def test_versions_are_those_installed(repository: Path) -> None:
    found = provenance(repository)

    assert found.versions["mltrain"] == __version__
    assert found.versions["python"] == platform.python_version()
    for name in ("numpy", "pandas", "pyarrow", "lightgbm", "xgboost", "optuna"):
        assert found.versions[name] == metadata.version(name)
    assert found.versions["sklearn"] == metadata.version("scikit-learn")
    assert found.git == git_state(repository)


def test_nothing_names_the_host_the_user_or_a_secret(repository: Path) -> None:
    text = json.dumps(asdict(provenance(repository)))

    for secret in ("token", "example.org", "secret@host", "A Secret", str(repository), str(Path.home())):
        assert secret not in text
    for word in (platform.node(), getpass.getuser()):
        assert f'"{word}"' not in text
