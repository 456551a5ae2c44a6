"""How to install what is missing: the libraries of an extra, by the installer of this environment.

The hints never name our own distribution: what a package index has under our name need not be us. The libraries
stand in our own metadata; where those are of an older installation, the extra's name is all there is to say.
"""

from __future__ import annotations

import re
import shlex
import sys
from importlib import metadata
from pathlib import Path

_OURS = "mltrain"
_PIPX_MARK = "pipx_metadata.json"  # pipx writes it into every environment that it makes
_OF_EXTRA = re.compile(r"""extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")


def install_extra(extra: str) -> str:
    """Return the command that installs the libraries of one of our extras here.

    Examples
    --------
    >>> install_extra("duckdb").endswith(" 'duckdb>=1.2'")
    True
    """
    return install(*(_libraries(extra) or (extra,)))


def install(*requirements: str) -> str:
    """Return the command that installs requirements here: pipx environments have no pip of the user's."""
    wanted = " ".join(map(shlex.quote, requirements))
    environment = Path(sys.prefix)
    if (environment / _PIPX_MARK).is_file():
        return f"pipx inject {shlex.quote(environment.name)} {wanted}"
    return f"{shlex.quote(sys.executable)} -m pip install {wanted}"


def _libraries(extra: str) -> tuple[str, ...]:
    """Return the requirements of an extra, without the mark that they belong to it."""
    found = []
    for line in metadata.requires(_OURS) or ():
        requirement, _, marker = line.partition(";")
        of_extra = _OF_EXTRA.search(marker)
        if of_extra is not None and of_extra["extra"] == extra:
            found.append(requirement.strip())
    return tuple(found)
