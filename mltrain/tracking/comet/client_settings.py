"""Settings as Comet's client would find them, read without the client: the key, and where the server is.

The first place that holds a setting decides, even when it is empty there: the environment, ``.env``, the file that
``COMET_CONFIG`` names, ``./.comet.config``, ``~/.comet.config``.
"""

from __future__ import annotations

import base64
import configparser
import json
import os
from collections.abc import Iterator
from pathlib import Path

_FILE_NAME = ".comet.config"
_PATH = "/clientlib/"
_SERVER = "https://www.comet.com" + _PATH


def has_key() -> bool:
    """Say whether the client would find an API key."""
    return bool(_setting("api_key"))


def server_url() -> str:
    """Return the address of the server: the one that is set, else the key's own, else Comet's."""
    chosen = _setting("url_override")
    if chosen is not None:
        return chosen or _SERVER
    own = _url_in(_setting("api_key") or "")
    return _SERVER if own is None else own.rstrip("/") + _PATH


def _setting(name: str) -> str | None:
    """Return a setting by its name in the files; None when it is nowhere."""
    return next((value for value in _values(name) if value is not None), None)


def _values(name: str) -> Iterator[str | None]:
    """Yield what each place says, the first one that counts first."""
    variable = f"COMET_{name.upper()}"
    yield _stripped(os.environ.get(variable))
    yield _in_dotenv(Path(".env"), variable)
    named = os.environ.get("COMET_CONFIG")
    if named:
        path = Path(named).expanduser()
        yield _in_config(path / _FILE_NAME if path.is_dir() else path, name)
    yield _in_config(Path(_FILE_NAME), name)
    yield _in_config(Path("~", _FILE_NAME).expanduser(), name)


def _in_config(path: Path, name: str) -> str | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return None
    return _stripped(parser.get("comet", name, fallback=None))


def _in_dotenv(path: Path, variable: str) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    entries = (line.removeprefix("export ").partition("=") for line in map(str.strip, lines))
    return next((_stripped(value) for name, _, value in entries if name.strip() == variable), None)


def _stripped(value: str | None) -> str | None:
    return None if value is None else value.strip(" \t\"'")


def _url_in(key: str) -> str | None:
    """Return the address that the key of a self-hosted server carries behind a star."""
    packed = key.partition("*")[2]
    try:
        document = json.loads(base64.b64decode(packed + "=" * (-len(packed) % 4)))
    except ValueError:
        return None
    url = document.get("baseUrl") if isinstance(document, dict) else None
    return url if isinstance(url, str) else None
