"""The crash log: what we need to know of a fault of ours, without the user's secrets."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mltrain import files
from mltrain._version import __version__
from mltrain.errors import EnvironmentRefusal

_TELLING = r"(?:(?:api|access|private|secret)[_-]?key|token|secret|passw(?:or)?d|credential)s?"
_SECRET_NAME = re.compile(r"(?:key|token|secret|passw(?:or)?d|pass|credentials?)$", re.IGNORECASE)
_SECRET_PAIR = re.compile(
    rf"(?P<name>[\w.-]*{_TELLING})(?P<gap>['\"]?\s*[=:]\s*)(?P<value>[^\s,;)}}\]]+)", re.IGNORECASE
)
_USER_INFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
_SHORTEST_SECRET = 6  # shorter values of such variables ("1", "true") are no secrets and would riddle the text


def write_crash_log(error: BaseException, argv: Sequence[str], folder: Path) -> Path | None:
    """Write the traceback, versions and command line; fall back to the system's folder for temporary files.

    Returns
    -------
    Path or None
        None when neither folder can be written.
    """
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            files.write_text(place / name, crash_report(error, argv))
        except EnvironmentRefusal:
            continue
        return place / name
    return None


def crash_report(error: BaseException, argv: Sequence[str]) -> str:
    """Return the text of a crash log."""
    head = [
        f"mltrain {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command line: mltrain {' '.join(argv)}",
        f"libraries: {_libraries()}",
        "",
    ]
    return without_secrets("\n".join(head) + "\n" + "".join(traceback.format_exception(error)))


def without_secrets(text: str) -> str:
    """Return text with secrets masked: the environment's, those in URLs, those beside a telling name."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    text = _USER_INFO.sub(r"\g<scheme>***@", text)
    return _SECRET_PAIR.sub(r"\g<name>\g<gap>***", text)


def _libraries() -> str:
    """Return the versions of the libraries imported so far that say theirs."""
    watched = (
        "numpy",
        "pandas",
        "pyarrow",
        "sklearn",
        "lightgbm",
        "xgboost",
        "optuna",
        "comet_ml",
        "mlflow",
        "typer",
    )
    loaded = [(name, getattr(sys.modules.get(name), "__version__", None)) for name in watched]
    return ", ".join(f"{name} {version}" for name, version in loaded if version) or "none loaded"
