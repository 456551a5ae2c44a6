"""The git state of a workspace, without anything that logs in: commit, branch, remote, uncommitted changes.

git itself is asked, with a short leash; a folder outside a repository, or a machine without git, has no state.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from mltrain.redaction import without_secrets

MAX_PATCH_BYTES = 1_000_000
# What may be in a patch: code and settings. Any other tracked file may hold rows of data, or keys.
_OF_CODE = (
    "*.py", "*.pyi", "*.pyx", "*.R", "*.sql", "*.sh", "*.yaml", "*.yml", "*.toml", "*.cfg", "*.ini", "*.md", "*.rst",
    "*Makefile", "*Dockerfile", "*requirements*.txt",
)  # fmt: skip
_START_OF_FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)
_SCP_LIKE = re.compile(r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>[\w.-]{2,}):(?P<path>(?!/).+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class GitState:
    """Where a repository stands.

    Attributes
    ----------
    dirty : bool
        Tracked files differ from the commit.
    branch : str, optional
        Full name, such as ``refs/heads/main``; None on a detached head.
    remote : str, optional
        Address of ``origin`` without user, password and query; None for a path on this machine.
    """

    commit: str
    dirty: bool
    branch: str | None = None
    remote: str | None = None


def git_state(root: Path) -> GitState | None:
    """Return the state that ``root`` stands on, or None outside a repository or without git."""
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    branch = _git(root, "symbolic-ref", "--quiet", "HEAD")
    remote = _git(root, "config", "--get", "remote.origin.url")
    return GitState(
        commit=commit,
        dirty=bool(changes),
        branch=without_secrets(branch) if branch else None,
        remote=without_login(remote) if remote else None,
    )


def without_login(address: str) -> str | None:
    """Return the address of a remote without what logs in; None for a path, which may name a user.

    Examples
    --------
    >>> without_login("https://bob:token@example.org/team/x.git?private_token=abc")
    'https://example.org/team/x.git'
    >>> without_login("git@example.org:team/x.git")
    'git@example.org:team/x.git'
    """
    if "://" in address:
        try:
            parts = urlsplit(address)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return None
        if not parts.hostname or parts.scheme == "file":
            return None
        return without_secrets(urlunsplit((parts.scheme, parts.hostname + port, parts.path, "", "")))
    found = _SCP_LIKE.fullmatch(address)
    if found is None:
        return None
    user = "git@" if found["user"] == "git" else ""
    return without_secrets(f"{user}{found['host']}:{found['path']}")


def git_patch(root: Path, *, max_bytes: int = MAX_PATCH_BYTES) -> str | None:
    """Return the uncommitted changes of tracked code and settings, or None when there are none.

    Secrets are masked, so a line beside a telling name may no longer apply. Files that may hold rows of data, and
    those that no longer fit, are left out whole; the first lines, which ``git apply`` skips, name them.

    Parameters
    ----------
    max_bytes : int
        Most bytes of changes.
    """
    asked = ("diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
    changed = _git(root, *asked, "--name-only", "-z")
    text = _git(root, *asked, "--", *(f":(top){pattern}" for pattern in _OF_CODE))
    if not changed or text is None:
        return None
    kept: dict[str, str] = {}
    size = 0
    for part in filter(None, _START_OF_FILE.split(text)):
        masked = without_secrets(part).rstrip("\n") + "\n"
        if size + len(masked.encode()) <= max_bytes:
            kept[part] = masked
            size += len(masked.encode())
    names = [name for name in changed.split("\0") if name]
    left_out = [name for name in names if not any(f" b/{name}\n" in part.partition("\n")[0] + "\n" for part in kept)]
    head = [f"left out: {without_secrets(name)}\n" for name in left_out]
    return "".join([*head, *kept.values()])


def _git(root: Path, *arguments: str) -> str | None:
    """Run git with a short leash; None when it is missing, slow or says no."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), "-c", "core.quotePath=false", *arguments],  # noqa: S607 - git is found on PATH as users expect
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None
