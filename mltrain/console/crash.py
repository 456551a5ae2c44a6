"""The crash log: what we need to know of a fault of ours, without the user's secrets."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mltrain import files
from mltrain._version import __version__
from mltrain.errors import EnvironmentRefusal
from mltrain.redaction import without_secrets


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
        "catboost",
        "typer",
    )
    loaded = [(name, getattr(sys.modules.get(name), "__version__", None)) for name in watched]
    return ", ".join(f"{name} {version}" for name, version in loaded if version) or "none loaded"
