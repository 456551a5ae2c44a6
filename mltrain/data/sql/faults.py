"""What SQLAlchemy and the drivers below it raise, as errors of ours; secrets are masked in what drivers say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import exc

from mltrain.data.sql.address import PASSWORDS, Address
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, MltrainError, PluginError
from mltrain.installer import install
from mltrain.plugins import install_extra

_DENIED = "42501"  # PostgreSQL: insufficient privilege
_SQLITE_BUSY = (3, 5, 6, 10, 14)  # no permission, busy, locked, input/output error, cannot open


@contextmanager
def connecting(address: Address) -> Iterator[None]:
    """Turn what is raised while a database is opened into errors of ours.

    Raises
    ------
    mltrain.errors.PluginError
        The dialect or the driver is not installed.
    mltrain.errors.ConfigError
        The address has parts that the driver does not know.
    mltrain.errors.EnvironmentRefusal
        The server cannot be reached or refuses the credentials.
    """
    try:
        yield
    except exc.NoSuchModuleError:
        message = f"SQLAlchemy knows no database called '{address.url.drivername}'"
        raise PluginError(message, where=address.shown, hint="install the package that brings its dialect") from None
    except ImportError as error:
        package = (error.name or address.url.drivername.rpartition("+")[2]).partition(".")[0]
        message = f"the driver of {address.url.get_backend_name()} is not installed: {error}"
        hint = install_extra("sql") if package == "psycopg" else install(package)
        raise PluginError(message, where=address.shown, hint=hint) from error
    except (exc.ArgumentError, TypeError) as error:
        message = f"the address cannot be used: {address.without_secrets(str(error))}"
        raise ConfigError(message, where="data.source") from None
    except exc.DBAPIError as error:
        reason = address.without_secrets(str(error.orig))
        hint = f"check host, port, database and credentials ({PASSWORDS})"
        raise EnvironmentRefusal(f"the database cannot be opened: {reason}", where=address.shown, hint=hint) from None


@contextmanager
def querying(address: Address, *, key: str) -> Iterator[None]:
    """Turn what is raised while rows are asked for and fetched into errors of ours.

    Parameters
    ----------
    key : str
        The key of the config that says which rows.

    Raises
    ------
    mltrain.errors.DataError
        No such table or column, or the query is wrong.
    mltrain.errors.EnvironmentRefusal
        The server goes away, or refuses.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise _fault(error, address, key=key) from None
    except (exc.StatementError, ValueError, ArithmeticError) as error:  # a value that is not of its column's type
        reason = address.without_secrets(str(error))
        hint = "cast it in data.options.query"
        raise DataError(f"a value cannot be read: {reason}", where=address.shown, hint=hint) from None


def _fault(error: exc.DBAPIError, address: Address, *, key: str) -> MltrainError:
    """Return the error for what a driver raised about a query."""
    driver: Any = error.orig
    reason = address.without_secrets(str(driver))
    where = f"{address.shown}, {key}"
    if error.connection_invalidated:
        hint = "look at the server's log; the same command reads all rows again"
        return EnvironmentRefusal(f"the server went away while rows were read: {reason}", where=where, hint=hint)
    if getattr(driver, "sqlstate", None) == _DENIED:
        hint = "ask for the right to select from it"
        return EnvironmentRefusal(f"the database refuses: {reason}", where=where, hint=hint)
    code = getattr(driver, "sqlite_errorcode", None)
    is_wrong = isinstance(error, exc.ProgrammingError | exc.DataError | exc.NotSupportedError | exc.IntegrityError)
    if is_wrong or (code is not None and code not in _SQLITE_BUSY):
        return DataError(f"the database cannot read the rows: {reason}", where=where, hint=f"check {key}")
    return EnvironmentRefusal(f"the database refuses: {reason}", where=where, hint="look at the server's log")
