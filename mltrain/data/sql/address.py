"""Where a database is and how to get in: passwords come from the environment or the driver's own files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mltrain.data.remote import scheme_of
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal
from mltrain.redaction import carries_secret, is_secret_name, without_these

ENVIRONMENT = "env:"
PASSWORDS = (
    "PostgreSQL reads PGPASSWORD and ~/.pgpass; for others name a variable in data.options.password_env, "
    "or put the whole address into one and write env:NAME"
)
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A database's address.

    Attributes
    ----------
    shown : str
        What the config says, for messages.
    secrets : tuple of str
        What must appear nowhere.
    """

    url: URL
    shown: str
    secrets: tuple[str, ...]

    def without_secrets(self, text: str) -> str:
        """Return text without this address's secrets, on one line."""
        return without_these(" ".join(text.split()), self.secrets)


def find_address(source: str, *, password_env: str | None) -> Address:
    """Return the address that a source stands for.

    Raises
    ------
    mltrain.errors.ConfigError
        It is none, or it holds a password that everybody may read.
    mltrain.errors.EnvironmentRefusal
        A variable that it names is not set.
    mltrain.errors.DataError
        An SQLite file is not there.
    """
    if source.startswith(ENVIRONMENT):
        url = _parse(_variable(source.removeprefix(ENVIRONMENT), where="data.source"), shown=source)
    elif carries_secret(source):
        raise ConfigError("data.source holds a password", where="data.source", hint=f"leave it out: {PASSWORDS}")
    elif scheme_of(source) is None:
        url = URL.create("sqlite", database=source)
    else:
        url = _parse(source, shown=source)
    if password_env is not None:
        url = url.set(password=_variable(password_env, where="data.options.password_env"))
    if url.get_backend_name() == "sqlite":
        url = _read_only(url, shown=source)
    secrets = (url.password, *(str(value) for name, value in url.query.items() if is_secret_name(name)))
    return Address(url=url, shown=source, secrets=tuple(secret for secret in secrets if secret))


def _variable(name: str, *, where: str) -> str:
    """Return the value of a variable that must be set."""
    value = os.environ.get(name)
    if not value:
        message = f"the environment variable {name!r} is not set"
        raise EnvironmentRefusal(message, where=where, hint=f"export {name}=...")
    return value


def _parse(text: str, *, shown: str) -> URL:
    """Return an address with the driver that mltrain's extra brings where it names none."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        hint = "such as postgresql://user@host:5432/database"
        raise ConfigError(f"{shown!r} is no address of a database", where="data.source", hint=hint) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _read_only(url: URL, *, shown: str) -> URL:
    """Return the address of an SQLite file that is there, to be opened without writing: SQLite would make a new one."""
    if url.database in (None, "", ":memory:"):
        raise DataError("an SQLite database in memory holds no rows", where=shown, hint="name a file")
    path = Path(str(url.database)).expanduser().absolute()
    if not path.is_file():
        hint = "check data.source; paths start at the current directory"
        raise DataError(f"there is no file {str(url.database)!r}", where=str(path), hint=hint)
    return url.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})
