"""What can be wrong with the address of an MLflow server or database, told before MLflow tries for minutes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mltrain.errors import PluginError, TrackerError, UsageError
from mltrain.redaction import without_secrets

OPTION = "train.tracker_options.tracking_uri"
_SQLITE = "sqlite:///"


@contextmanager
def opening(uri: str, *, where: str) -> Iterator[None]:
    """Turn whatever MLflow raises over an address inside the block into an error for the user.

    Parameters
    ----------
    where : str
        The setting that holds the address.

    Raises
    ------
    mltrain.errors.UsageError
        MLflow does not know addresses of this kind, or the driver of its database is not installed.
    mltrain.errors.TrackerError
        The database cannot be opened.
    """
    told = without_secrets(uri)
    try:
        _probe_sqlite(uri)
        yield
    except ImportError as error:
        hint = "pip install the driver of that database, or name an http address or an sqlite file"
        raise PluginError(f"mlflow cannot use {told!r}: {first_line(error)}", where=where, hint=hint) from None
    except (OSError, sqlite3.Error) as error:
        hint = "name a file that can be written"
        raise TrackerError(f"mlflow cannot open {told!r}: {first_line(error)}", where=where, hint=hint) from None
    except mlflow_error() as error:
        hint = "write http://host:5000 or sqlite:///file.db"
        raise UsageError(f"mlflow knows no address such as {told!r}", where=where, hint=hint) from error
    except _sqlalchemy_error() as error:
        raise TrackerError(f"mlflow cannot open {told!r}: {first_line(error)}", where=where) from None


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line and without secrets."""
    return without_secrets(next(iter(str(error).splitlines()), type(error).__name__))


def mlflow_error() -> Any:
    """Return the class of MLflow's own errors; its import takes a while."""
    from mlflow.exceptions import MlflowException

    return MlflowException


def _probe_sqlite(uri: str) -> None:
    """Open an SQLite file once: MLflow tries ten times, for two minutes, what cannot be opened."""
    if not uri.startswith(_SQLITE):
        return
    path = Path(uri.removeprefix(_SQLITE).partition("?")[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as probe:
        probe.execute("PRAGMA schema_version")


def _sqlalchemy_error() -> Any:
    """Return the class of SQLAlchemy's errors; without SQLAlchemy, one that nobody raises."""
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return ()
    return SQLAlchemyError
