"""Masks secrets in whatever is shown, hashed or written down: text, and values of the config."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"

_TELLING = r"(?:(?:api|access|private|secret|account)[_-]?key|token|secret|passw(?:or)?d|pwd|passphrase|credential)s?"
_SECRET_VARIABLE = re.compile(r"(?:key|token|secret|passw(?:or)?d|pass|credentials?)$", re.IGNORECASE)
_SECRET_OPTION = re.compile(
    r"(?:key|token|secret|passw(?:or)?d|pass|pwd|passphrase|credential|authorization|signature)s?(?:[_-]?id)?$",
    re.IGNORECASE,
)
_SECRET_PAIR = re.compile(
    rf"(?P<name>[\w.-]*{_TELLING})(?P<gap>['\"]?\s*[=:]\s*)(?P<value>[^\s,;)}}\]]+)", re.IGNORECASE
)
# A path may hold `token=x` as the name of a folder; only where a query or a connection string has its pairs is it one.
_QUERY_PAIR = re.compile(rf"(?P<name>(?:^|[?&;\s])[\w.-]*(?:{_TELLING}|sig(?:nature)?)=)[^&;#\s]+", re.IGNORECASE)
# A password may hold '/' and '@', as SQLAlchemy allows; digits up to a '/' after the colon are a port.
_USER_INFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?:[^\s/@:]*:(?!\d+(?:/|\s|$))\S*|[^\s/]*)@", re.IGNORECASE)
_PASSWORD = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/@:]*:(?!\d+(?:/|\s|$))\S*@", re.IGNORECASE)
_SHORTEST_SECRET = 6  # shorter values of such variables ("1", "true") are no secrets and would riddle the text


def without_secrets(text: str) -> str:
    """Return free text with secrets masked: the environment's, those in URLs, those beside a telling name."""
    masked = _QUERY_PAIR.sub(rf"\g<name>{MASK}", _without_known_secrets(text))
    return _SECRET_PAIR.sub(rf"\g<name>\g<gap>{MASK}", masked)


def carries_secret(address: str) -> bool:
    """Say whether an address holds a password, a token or a signature; a user's name alone is none.

    Examples
    --------
    >>> carries_secret("postgresql://ann:pw@host/db"), carries_secret("postgresql://ann@host:5432/db")
    (True, False)
    """
    return bool(_PASSWORD.search(address) or _QUERY_PAIR.search(address.partition("?")[2]))


def is_secret_name(name: str) -> bool:
    """Say whether a setting's name tells that its value is a secret."""
    return bool(_SECRET_OPTION.search(name))


def without_these(text: str, secrets: Iterable[str]) -> str:
    """Return text without secrets that are known to whoever asks, and without those of `without_secrets`."""
    for secret in secrets:
        text = text.replace(secret, MASK) if secret else text
    return without_secrets(text)


def redacted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values with secrets masked.

    Masked are the user and password of URLs, secrets in their queries, values of the environment's secret
    variables, and, inside mappings whose key ends in ``options``, whatever stands under a telling name.
    Elsewhere a key may be the name of a column, and tells nothing.

    Parameters
    ----------
    values : mapping
        JSON-like values, such as those of the config; left as they are.
    """
    return {key: _redacted(value, has_options=key.endswith("options")) for key, value in values.items()}


def _redacted(value: Any, *, has_options: bool) -> Any:
    """Return one value with secrets masked."""
    if isinstance(value, Mapping):
        return {
            key: MASK
            if has_options and _is_secret(str(key), inner)
            else _redacted(inner, has_options=has_options or str(key).endswith("options"))
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redacted(inner, has_options=has_options) for inner in value]
    return _QUERY_PAIR.sub(rf"\g<name>{MASK}", _without_known_secrets(value)) if isinstance(value, str) else value


def _is_secret(name: str, value: object) -> bool:
    """Say whether an option's name tells that its value is a secret; true, false and nothing are none."""
    says_nothing = value is None or isinstance(value, bool | Mapping) or value == ""
    return not says_nothing and is_secret_name(name)


def _without_known_secrets(text: str) -> str:
    """Return text without the environment's secrets and without users of URLs."""
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, MASK)
    return _USER_INFO.sub(rf"\g<scheme>{MASK}@", text)
