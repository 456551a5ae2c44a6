"""Where a result comes from: versions, git state, machine; nothing that names a host, a user or a secret."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from mltrain import plugins
from mltrain._version import __version__
from mltrain.repository import GitState, git_state

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "sklearn", "lightgbm", "xgboost", "optuna")
# Asked for their version without being loaded: most runs do without them.
EXTRAS = ("catboost",)


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
    versions |= {name: version for name in EXTRAS if (version := plugins.installed_version(name)) is not None}
    return Provenance(versions=versions, platform=f"{platform.system()} {platform.machine()}", git=git_state(root))
