"""SQL through SQLAlchemy: a table or a query of PostgreSQL, SQLite or others; the extra ``sql``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from mltrain.data import Rows
from mltrain.data.locations import SourceFile, begins_with, has_suffix
from mltrain.data.options import checked_options
from mltrain.data.query import QueryOptions, warn_of_chance_order
from mltrain.data.remote import scheme_of
from mltrain.data.spooling import kept

ENVIRONMENT = "env:"
SUFFIXES = (".sqlite", ".sqlite3")
MAGIC = b"SQLite format 3\x00"
DIALECTS = (
    "postgresql", "postgres", "mysql", "mariadb", "sqlite", "oracle", "mssql", "snowflake", "bigquery", "redshift",
    "databricks", "trino", "presto", "clickhouse", "cockroachdb", "db2", "hana", "teradatasql", "awsathena",
)  # fmt: skip


class SqlOptions(QueryOptions):
    """Which rows of which database, and where its password stands."""

    password_env: str | None = None
    """Name of the environment variable that holds the password, where the driver reads none itself."""


class SqlSource:
    """Reads what SQLAlchemy can connect to."""

    name = "sql"
    options = SqlOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source is a database's address, ``env:NAME`` that holds one, or an SQLite file."""
        dialect = (scheme_of(source) or "").partition("+")[0]
        is_address = dialect in DIALECTS or source.startswith(ENVIRONMENT)
        return is_address or has_suffix(source, SUFFIXES) or begins_with(source, MAGIC)

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return nothing: no database says cheaply whether rows are still the same, so they are read again."""
        del source, options
        return ()

    def load(self, source: str, options: Mapping[str, Any]) -> Rows:
        """Return all rows, fetched some at a time; many of them on the disk, see `mltrain.data.spooling`.

        Raises
        ------
        mltrain.errors.DataError
            No such table or column, the query is wrong, or a column mixes types.
        mltrain.errors.ConfigError
            An option is unknown or has a wrong value, or the address holds a password.
        mltrain.errors.EnvironmentRefusal
            The server cannot be reached, refuses the credentials, or goes away.
        mltrain.errors.PluginError
            The driver is not installed.
        """
        from mltrain.data.sql.reading import read_chunks  # noqa: PLC0415 - SQLAlchemy is slow to import

        settings = checked_options(self.options, options, source=self.name)
        warn_of_chance_order(settings)
        return kept(read_chunks(source, settings, password_env=settings.password_env), origin=source)

    def stream(self, source: str, options: Mapping[str, Any]) -> pa.RecordBatchReader:
        """Return the rows some at a time, in the types of the first; raises as `load`, also later."""
        from mltrain.data.sql.reading import read_chunks, settled  # noqa: PLC0415 - SQLAlchemy is slow to import

        settings = checked_options(self.options, options, source=self.name)
        return settled(read_chunks(source, settings, password_env=settings.password_env), source=source)


SOURCE = SqlSource()
