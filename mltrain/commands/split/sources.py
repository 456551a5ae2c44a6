"""The rows of the config's source, and of its test source where there is one, in columns of one schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from mltrain.config import Config
from mltrain.data import Rows
from mltrain.data.joined import JoiningSource, JoinReport
from mltrain.data.joining import open_source, open_test_source
from mltrain.data.loading import check_target, describe_source, find_source
from mltrain.data.locations import SourceFile
from mltrain.data.nearest import suggest
from mltrain.data.rows import iter_batches
from mltrain.data.stacking import unified_schema
from mltrain.errors import ConfigError, DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where rows come from; read as often as needed, some at a time.

    Attributes
    ----------
    rows : pyarrow.Table or pyarrow.dataset.Dataset
    test_rows : the same, optional
        Rows of ``data.test_source``; columns that they lack are null.
    schema : pyarrow.Schema
        Columns of the source, in types that hold the values of both.
    lacking : tuple of str
        Columns that the test source does not have.
    joins : tuple of JoinReport
        What became of each table that features were joined from.
    """

    rows: Rows
    origin: str
    test_rows: Rows | None
    test_origin: str
    schema: pa.Schema
    lacking: tuple[str, ...]
    joins: tuple[JoinReport, ...] = ()

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the source in order, all columns or these."""
        yield from self._read(self.rows, self.origin, columns)

    def test_batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the test source in order, none where there is none."""
        if self.test_rows is not None:
            yield from self._read(self.test_rows, self.test_origin, columns)

    def _read(self, rows: Rows, origin: str, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one source in the types of both."""
        names = self.schema.names if columns is None else columns
        schema = pa.schema([self.schema.field(name) for name in names])
        stored = [name for name in names if name in rows.schema.names]
        for batch in iter_batches(rows, origin=origin, columns=stored):
            arrays = [
                batch.column(field.name).cast(field.type)
                if field.name in stored
                else pa.nulls(batch.num_rows, field.type)
                for field in schema
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def describe_sources(config: Config) -> tuple[SourceFile, ...]:
    """Return what the source, the tables joined to it and the test source are made of.

    Empty when only reading them again can tell.
    """
    data = config.data
    if data.source and isinstance(find_source(data.source, data.format), JoiningSource):
        return ()
    described = [describe_source(name, data.format, data.options) for name in (data.source, data.test_source) if name]
    tables = () if data.asof is None else data.asof.tables
    described += [describe_source(table.source, table.format, table.options) for table in tables]
    return tuple(file for files in described for file in files) if all(described) else ()


def open_sources(config: Config) -> Sources:
    """Open what the config names, with what it joins; no row is read yet where nothing is joined.

    Raises
    ------
    mltrain.errors.ConfigError
        The source or the target is not named, or a column has two roles.
    mltrain.errors.DataError
        A source cannot be read, or a column does not exist.
    """
    data = config.data
    if not data.source:
        raise ConfigError("data.source is not set", where="data.source", hint="name a Parquet or CSV file")
    opened = open_source(data)
    rows = opened.rows
    _check_roles(rows.schema, config)
    schema, test_rows, lacking = rows.schema.remove_metadata(), None, ()
    if data.test_source is not None:
        test_rows = open_test_source(data, joined=[name for report in opened.reports for name in report.columns])
        check_target(test_rows.schema.names, data)
        lacking = tuple(name for name in schema.names if name not in test_rows.schema.names)
        shared = [name for name in schema.names if name not in lacking]
        both = [pa.schema([found.field(name) for name in shared]) for found in (schema, test_rows.schema)]
        widened = unified_schema(both, origins=[data.source, data.test_source])
        schema = pa.schema([schema.field(name) if name in lacking else widened.field(name) for name in schema.names])
    return Sources(
        rows=rows,
        origin=data.source,
        test_rows=test_rows,
        test_origin=str(data.test_source),
        schema=_with_room_for_levels(schema),
        lacking=lacking,
        joins=opened.reports,
    )


def _with_room_for_levels(schema: pa.Schema) -> pa.Schema:
    """Let every dictionary hold as many levels as all rows may have: each file or batch has one of its own."""

    def roomy(field: pa.Field) -> pa.Field:
        if not pa.types.is_dictionary(field.type):
            return field
        return field.with_type(pa.dictionary(pa.int32(), field.type.value_type))

    return pa.schema([roomy(field) for field in schema])


def _check_roles(schema: pa.Schema, config: Config) -> None:
    """Refuse a target or a column of the split that does not exist, and one that is both."""
    check_target(schema.names, config.data)
    split = config.split
    for key, name in (
        ("split.group_column", split.group_column),
        ("split.time_column", split.time_column),
        ("split.key_column", split.key_column),
        ("data.weight_column", config.data.weight_column),
    ):
        if name is not None and name == config.data.target:
            raise ConfigError(f"column {name!r} is the target and can have no other role", where=key)
        if name is not None and name not in schema.names:
            where = f"{config.data.source}, {key}"
            raise DataError(f"there is no column {name!r}", where=where, hint=suggest(name, schema.names))
