"""Rows of a query, fetched some at a time and made Arrow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, MetaData, NullPool, Table, create_engine, inspect, select, text
from sqlalchemy.engine import CursorResult, Result
from sqlalchemy.exc import NoSuchTableError, SAWarning

from mltrain.data.nearest import listed, suggest
from mltrain.data.options import WHERE
from mltrain.data.query import QueryOptions, only_table
from mltrain.data.rows import batch_rows
from mltrain.data.sql.address import Address, find_address
from mltrain.data.sql.columns import postgres_types, to_table
from mltrain.data.sql.faults import connecting, querying
from mltrain.errors import ConfigError, DataError

CHUNK_ROWS = 50_000
CONNECT_SECONDS = 15


def read_chunks(source: str, settings: QueryOptions, *, password_env: str | None) -> Iterator[pa.Table]:
    """Yield the rows in pieces, the first one even where there are none.

    Raises
    ------
    mltrain.errors.MltrainError
        See `find_address`, `connecting` and `querying`.
    """
    address = find_address(source, password_env=password_env)
    with (
        _connected(address) as connection,
        querying(address, key=settings.where),
        closing(_execute(connection, settings, address=address)) as result,
    ):
        names = list(result.keys())
        types = _types(result, connection.dialect.driver)
        n_chunks = 0
        # Also what the driver fetches ahead: a row of thousands of columns is as many objects.
        for rows in result.yield_per(batch_rows(len(names), most_rows=CHUNK_ROWS)).partitions():
            n_chunks += 1
            yield to_table(rows, names, types, source=source)
        if n_chunks == 0:
            yield to_table([], names, types, source=source)


def settled(chunks: Iterator[pa.Table], *, source: str) -> pa.RecordBatchReader:
    """Return pieces in the types of the first; a column that is empty there is text."""
    first = next(chunks)
    fields = [pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in first.schema]
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from first.cast(schema).to_batches()
        for table in chunks:
            try:
                yield from table.cast(schema).to_batches()
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                hint = "cast the column in data.options.query"
                raise DataError(f"a later row has values of another type: {error}", where=source, hint=hint) from error

    return pa.RecordBatchReader.from_batches(schema, batches())


@contextmanager
def _connected(address: Address) -> Iterator[Connection]:
    """Open a connection that reads, row by row from the server, and close it."""
    with connecting(address):
        engine = create_engine(
            address.url, poolclass=NullPool, hide_parameters=True, connect_args=_connect_arguments(address)
        )
        connection = engine.connect()
    try:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        yield connection.execution_options(stream_results=True)
    finally:
        connection.close()
        engine.dispose()


def _connect_arguments(address: Address) -> dict[str, Any]:
    """Return how long to wait for a server, where the driver would wait for minutes and the address says nothing."""
    is_psycopg = address.url.drivername == "postgresql+psycopg"
    return {"connect_timeout": CONNECT_SECONDS} if is_psycopg and "connect_timeout" not in address.url.query else {}


def _execute(connection: Connection, settings: QueryOptions, *, address: Address) -> Result[Any]:
    """Run the query, or select all of a table in the order of its primary key."""
    if settings.query is None:
        return connection.execute(_select_all(connection, settings.table, address=address))
    query = text(settings.query)
    _check_parameters(list(query.compile().params), settings)
    if settings.parameters:
        result: CursorResult[Any] = connection.execute(query, settings.parameters)
    else:  # as it stands: a percent sign or a colon means nothing then
        result = connection.execution_options(no_parameters=True).exec_driver_sql(settings.query)
    if not result.returns_rows:
        raise DataError("the query returns no rows", where=f"{address.shown}, {settings.where}", hint="write a select")
    return result


def _check_parameters(places: list[str], settings: QueryOptions) -> None:
    """Refuse values without a place in the query, and places without a value where there are values."""
    if not settings.parameters:
        return
    lacking = [name for name in places if name not in settings.parameters]
    spare = [name for name in settings.parameters if name not in places]
    if lacking:
        hint = r"add it, or write \: for a colon that names no value"
        raise ConfigError(f"the query wants a value for {listed(lacking)}", where=f"{WHERE}.parameters", hint=hint)
    if spare:
        hint = "write :name where a value belongs; cast(:name as text), for :name::text is none"
        raise ConfigError(f"the query has no place for {listed(spare)}", where=f"{WHERE}.parameters", hint=hint)


def _select_all(connection: Connection, name: str | None, *, address: Address) -> Any:
    """Return the statement that selects all of a table."""
    inspector = inspect(connection)
    if name is None:
        name = only_table(sorted([*inspector.get_table_names(), *inspector.get_view_names()]), source=address.shown)
    schema, _, table_name = name.rpartition(".")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of types that it does not know: their values say enough
            table = Table(table_name, MetaData(), schema=schema or None, autoload_with=connection)
    except NoSuchTableError:
        there = sorted([*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)])
        hint = suggest(table_name, there) if there else "the database holds no tables that you may see"
        raise DataError(f"there is no table {name!r}", where=f"{address.shown}, {WHERE}.table", hint=hint) from None
    return select(table).order_by(*table.primary_key.columns)


def _types(result: Result[Any], driver: str) -> tuple[pa.DataType | None, ...]:
    """Return the types that the driver names."""
    cursor = getattr(result, "cursor", None)
    if driver == "psycopg" and cursor is not None and cursor.description:
        return postgres_types(cursor.description)
    return (None,) * len(result.keys())
