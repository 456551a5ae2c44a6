"""Comet's client, imported late and on our terms, and the key without the client.

Importing the client takes more than a second, patches other libraries, replaces the hook for unhandled
exceptions and may report errors to a third party; all of that is switched off here first.
"""

from __future__ import annotations

import configparser
import logging
import os
import sys
import warnings
from pathlib import Path
from threading import Lock
from typing import Any

_IMPORTING = Lock()  # runs are opened in threads; what is put back afterwards is the process's
_ALWAYS = {
    "COMET_DISABLE_AUTO_LOGGING": "1",
    "COMET_ERROR_TRACKING_ENABLE": "false",
    "COMET_INTERNAL_REPORTING": "false",
}
_UNLESS_SET = {
    "COMET_FALLBACK_STREAMER_KEEP_OFFLINE_ZIP": "true",  # an online run leaves a complete archive as well
    "COMET_LOGGING_CONSOLE": "CRITICAL",  # an invalid key would be printed in clear
    "COMET_TIMEOUT_CLEANING": "60",  # an hour otherwise
    "COMET_TIMEOUT_UPLOAD": "300",
    "COMET_GET_OR_ADD_EXPERIMENT_RETRY_TOTAL": "1",  # half a minute of silence otherwise
}


def import_comet() -> Any:
    """Return the module ``comet_ml``, quiet and with nothing patched."""
    os.environ.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        os.environ.setdefault(name, value)
    with _IMPORTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependencies, at import
        hook = sys.excepthook
        import comet_ml

        sys.excepthook = hook
    # Its console stays quiet by its own level; what it reports must reach our listener.
    logging.getLogger("comet_ml").setLevel(logging.WARNING)
    return comet_ml


def has_key() -> bool:
    """Say whether the client would find an API key; the environment beats its files, even when empty."""
    in_environment = os.environ.get("COMET_API_KEY")
    if in_environment is not None:
        return bool(in_environment.strip())
    return _dotenv_has_key(Path(".env")) or any(_config_has_key(path) for path in _config_files())


def _config_files() -> list[Path]:
    """Return the files in which the client looks for settings."""
    named = os.environ.get("COMET_CONFIG")
    files = [Path(named).expanduser()] if named else []
    return [*files, Path(".comet.config"), Path("~/.comet.config").expanduser()]


def _config_has_key(path: Path) -> bool:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return False
    return bool(parser.get("comet", "api_key", fallback="").strip())


def _dotenv_has_key(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    entries = (line.removeprefix("export ").partition("=") for line in map(str.strip, lines))
    return any(name.strip() == "COMET_API_KEY" and value.strip(" \"'") for name, _, value in entries)
