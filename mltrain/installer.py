"""How to install something where this interpreter finds it; never by our own name, which may be a stranger's there."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

_PIPX_MARK = "pipx_metadata.json"  # pipx writes it into every environment that it makes


def install(*requirements: str) -> str:
    """Return the command that installs requirements here: in an environment of pipx the user's pip would miss it."""
    wanted = " ".join(map(shlex.quote, requirements))
    environment = Path(sys.prefix)
    if (environment / _PIPX_MARK).is_file():
        return f"pipx inject {shlex.quote(environment.name)} {wanted}"
    return f"{shlex.quote(sys.executable)} -m pip install {wanted}"
