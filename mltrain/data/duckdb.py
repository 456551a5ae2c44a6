"""DuckDB: a table or a query of a database file, or a query alone; the extra ``duckdb``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mltrain.data import Rows
from mltrain.data.locations import SourceFile, begins_with, has_suffix
from mltrain.data.options import checked_options
from mltrain.data.query import QueryOptions, only_table, warn_of_chance_order
from mltrain.data.rows import batch_rows
from mltrain.data.spooling import kept
from mltrain.errors import DataError, EnvironmentRefusal, MltrainError, PluginError
from mltrain.plugins import install_extra
from mltrain.redaction import without_secrets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PREFIX = "duckdb:"
SUFFIXES = (".duckdb", ".ddb")
MAGIC = b"DUCK"
MAGIC_AT = 8
TABLES = (
    "select case when table_schema = 'main' then table_name else table_schema || '.' || table_name end "
    "from information_schema.tables order by 1"
)


class DuckDbSource:
    """Reads a DuckDB file, without writing to it."""

    name = "duckdb"
    options = QueryOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like a DuckDB file, holds one, or begins with ``duckdb:``."""
        return source.startswith(PREFIX) or has_suffix(source, SUFFIXES) or begins_with(source, MAGIC, at=MAGIC_AT)

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return nothing: a view or a query may read other files, so only reading again tells."""
        del source, options
        return ()

    def load(self, source: str, options: Mapping[str, Any]) -> Rows:
        """Return all rows; many of them on the disk, see `mltrain.data.spooling`.

        Raises
        ------
        mltrain.errors.DataError
            No such file, table or column, or the query is wrong.
        mltrain.errors.ConfigError
            An option is unknown or has a wrong value.
        mltrain.errors.EnvironmentRefusal
            Another program holds the file, or memory runs out.
        """
        warn_of_chance_order(checked_options(self.options, options, source=self.name))
        reader = self.stream(source, options)
        tables = chain([reader.schema.empty_table()], (pa.table(batch) for batch in reader))
        return kept(tables, origin=source)

    def stream(self, source: str, options: Mapping[str, Any]) -> pa.RecordBatchReader:
        """Return the rows some at a time; raises as `load`, also later, while they are read."""
        settings = checked_options(self.options, options, source=self.name)
        place = f"{source}, {settings.where}"
        connection = _connect(source)
        with _faults(place):
            connection.execute("set TimeZone = 'UTC'")  # or the machine's own would be part of a column's type
            relation = connection.sql(_text(connection, settings, source=source), params=settings.parameters or None)
            if relation is None:
                raise DataError("the query returns no rows", where=place, hint="write a select")
            # By default a batch is a million rows, however wide; before 1.4 the method had another name.
            open_reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
            reader = open_reader(batch_rows(len(relation.columns)))
        return pa.RecordBatchReader.from_batches(reader.schema, _batches(reader, connection, place=place))


def _connect(source: str) -> DuckDBPyConnection:
    """Open the database file for reading, or none at all."""
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f"data source 'duckdb' cannot be loaded: {error}"
        raise PluginError(message, where=source, hint=install_extra("duckdb")) from error
    path = source.removeprefix(PREFIX).removeprefix("//").removeprefix("/") if source.startswith(PREFIX) else source
    if path in ("", ":memory:"):
        return duckdb.connect(":memory:")
    if not Path(path).expanduser().is_file():
        hint = "check data.source; paths start at the current directory"
        raise DataError(f"there is no file {path!r}", where=str(Path(path).expanduser().absolute()), hint=hint)
    with _faults(source):
        return duckdb.connect(str(Path(path).expanduser()), read_only=True)


def _text(connection: DuckDBPyConnection, settings: QueryOptions, *, source: str) -> str:
    """Return the query to run."""
    if settings.query is not None:
        return settings.query
    name = settings.table or only_table([row[0] for row in connection.execute(TABLES).fetchall()], source=source)
    parts = ('"' + part.replace('"', '""') + '"' for part in name.split("."))
    return f"select * from {'.'.join(parts)}"  # noqa: S608 - a quoted name


def _batches(reader: pa.RecordBatchReader, connection: DuckDBPyConnection, *, place: str) -> Iterator[pa.RecordBatch]:
    """Yield what the query returns, and close the database."""
    with connection, _faults(place):
        yield from reader


@contextmanager
def _faults(place: str) -> Iterator[None]:
    """Turn what DuckDB raises inside the block into errors of ours."""
    import duckdb  # noqa: PLC0415 - an extra

    try:
        yield
    except (duckdb.Error, OSError) as error:  # the latter for rows that Arrow fetches
        raise _fault(error, place) from None


def _fault(error: Exception, place: str) -> MltrainError:
    """Return the error for what DuckDB raised."""
    reason = without_secrets(" ".join(str(error).partition("\n\nLINE")[0].split()))
    if "Could not set lock" in reason:
        hint = "close the program that has it open for writing, or copy the file"
        return EnvironmentRefusal("another program holds the database", where=place, hint=hint)
    if reason.startswith(("Out of Memory", "Connection Error", "HTTP Error")) or "Permission denied" in reason:
        return EnvironmentRefusal(f"DuckDB refuses: {reason}", where=place)
    return DataError(f"DuckDB cannot read the rows: {reason}", where=place, hint="check data.options")


SOURCE = DuckDbSource()
