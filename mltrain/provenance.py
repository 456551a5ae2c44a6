"""Where a result comes from: versions, git state, machine; nothing that names a host, a user or a secret."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from mltrain._version import __version__

LIBRARIES = ("numpy", "pandas", "pyarrow", "sklearn", "lightgbm", "xgboost", "optuna")


@dataclass(frozen=True, kw_only=True, slots=True)
class GitState:
    """Commit and whether files differ from it; the remote's URL is left out, because it may hold a token."""

    commit: str
    dirty: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """What is needed to judge whether another machine can repeat a run."""

    versions: dict[str, str]
    platform: str
    git: GitState | None


def provenance(root: Path) -> Provenance:
    """Return versions, platform and git state for a workspace."""
    versions = {"mltrain": __version__, "python": platform.python_version()}
    versions |= {name: str(import_module(name).__version__) for name in LIBRARIES}
    return Provenance(versions=versions, platform=f"{platform.system()} {platform.machine()}", git=git_state(root))


def git_state(root: Path) -> GitState | None:
    """Return the commit that ``root`` stands on, or None outside a repository or without git."""
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    return GitState(commit=commit, dirty=bool(changes))


def _git(root: Path, *arguments: str) -> str | None:
    """Run git with a short leash; None when it is missing, slow or says no."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - git is found on PATH as users expect
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
