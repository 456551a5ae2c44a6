"""Commit, branch, remote and uncommitted changes, and nothing that logs in or may hold rows."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain.repository import GitState, git_patch, git_state, without_login


def _git(root: Path, *arguments: str, stdin: str | None = None) -> str:
    author = ["-c", "user.name=A Secret", "-c", "user.email=secret@host", "-c", "commit.gpgsign=false"]
    command = ["git", *author, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, input=stdin).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "work with spaces"
    root.mkdir()
    _git(root, "init", "--quiet", "--initial-branch", "main")
    (root / "mltrain.yaml").write_text("seed: 1\n")
    (root / "people.csv").write_text("name\nalice\n")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "-m", "first")
    _git(root, "remote", "add", "origin", "https://name:token@example.org/x.git")
    return root


def test_a_clean_commit(repository: Path) -> None:
    assert git_state(repository) == GitState(
        commit=_git(repository, "rev-parse", "HEAD"),
        dirty=False,
        branch="refs/heads/main",
        remote="https://example.org/x.git",
    )


def test_a_changed_file_makes_it_dirty_and_a_new_one_does_not(repository: Path) -> None:
    (repository / "runs").mkdir()
    (repository / "runs" / "new.txt").write_text("x")
    clean = git_state(repository)
    (repository / "mltrain.yaml").write_text("seed: 2\n")
    changed = git_state(repository)

    assert clean is not None
    assert changed is not None
    assert not clean.dirty
    assert changed == replace(clean, dirty=True)


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


def test_a_detached_head_has_no_branch_and_a_repository_need_not_have_a_remote(repository: Path) -> None:
    _git(repository, "checkout", "--quiet", "--detach")
    _git(repository, "remote", "remove", "origin")

    found = git_state(repository)

    assert found is not None
    assert (found.branch, found.remote) == (None, None)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://bob:token@example.org:8443/team/x.git", "https://example.org:8443/team/x.git"),
        ("https://token@example.org/x.git?private_token=abc#y", "https://example.org/x.git"),
        ("ssh://git:token@example.org/x.git", "ssh://example.org/x.git"),
        ("git@example.org:team/x.git", "git@example.org:team/x.git"),
        ("token@example.org:team/x.git", "example.org:team/x.git"),
        ("/home/alice/x.git", None),
        ("file:///home/alice/x.git", None),
        ("../x.git", None),
        (r"C:\\Users\\alice\\x.git", None),
        ("https://[bad/x.git", None),
    ],
)
def test_a_remote_is_shown_without_what_logs_in(address: str, shown: str | None) -> None:
    assert without_login(address) == shown


def test_a_patch_holds_code_and_settings_and_applies(repository: Path) -> None:
    (repository / "code.py").write_text("a = 1\n")
    _git(repository, "add", "code.py")
    _git(repository, "commit", "--quiet", "-m", "second")
    (repository / "code.py").write_text("a = 1\nb = 2 \n \n")
    (repository / "mltrain.yaml").write_text("seed: 2\n")
    (repository / "people.csv").write_text("name\nbob\n")

    patch = git_patch(repository)

    assert patch is not None
    assert patch.startswith("left out: people.csv\n")
    assert "bob" not in patch
    _git(repository, "stash", "--quiet")
    _git(repository, "apply", "-", stdin=patch)
    assert (repository / "code.py").read_text() == "a = 1\nb = 2 \n \n"
    assert (repository / "mltrain.yaml").read_text() == "seed: 2\n"
    assert (repository / "people.csv").read_text() == "name\nalice\n"


def test_a_patch_masks_secrets(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "planted-in-the-environment")
    (repository / "mltrain.yaml").write_text(
        "seed: 1\nurl: postgresql://bob:planted-password@db/x\napi_key: planted-key\nplanted-in-the-environment\n"
    )

    patch = git_patch(repository)

    assert patch is not None
    assert "planted" not in patch
    assert "+url: postgresql://***@db/x\n" in patch


def test_a_patch_is_bounded_and_says_what_is_left_out(repository: Path) -> None:
    (repository / "big.py").write_text("")
    _git(repository, "add", "big.py")
    _git(repository, "commit", "--quiet", "-m", "second")
    (repository / "big.py").write_text("x = 1\n" * 10_000)
    (repository / "mltrain.yaml").write_text("seed: 2\n")

    patch = git_patch(repository, max_bytes=1000)

    assert patch is not None
    assert len(patch) < 1100
    assert patch.startswith("left out: big.py\n")
    assert "+seed: 2" in patch


def test_no_changes_no_patch(repository: Path, tmp_path: Path) -> None:
    assert git_patch(repository) is None
    assert git_patch(tmp_path / "missing") is None
