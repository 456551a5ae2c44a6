"""Rows that the config names, with the features that it joins to them: `data.asof`, or a feature store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mltrain.config import AsofSection, DataSection, DatedTable
from mltrain.config.asof import parse_age
from mltrain.data import Rows
from mltrain.data.asof import Dated, join_asof, join_bytes
from mltrain.data.joined import Joined, JoiningSource, JoinReport
from mltrain.data.loading import find_source, load_table, open_rows
from mltrain.data.rows import as_table, too_large
from mltrain.errors import ConfigError
from mltrain.memory import room_left


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedRows:
    """Rows of the config's source, in memory where something was joined to them.

    Attributes
    ----------
    reports : tuple of JoinReport
        What became of each join; empty where nothing is joined.
    """

    rows: Rows
    reports: tuple[JoinReport, ...] = ()


def open_source(section: DataSection) -> OpenedRows:
    """Return the rows of ``data.source`` with what the config joins to them.

    Raises
    ------
    mltrain.errors.ConfigError
        No source is named, no plug-in reads it, or an option is unknown.
    mltrain.errors.DataError
        Missing or unreadable, or a join cannot be made.
    """
    if not section.source:
        raise ConfigError(
            "data.source is not set", where="data.source", hint="name a file, a folder, a URL or a database"
        )
    source = find_source(section.source, section.format)
    if isinstance(source, JoiningSource):
        joined = source.load_joined(section.source, dict(section.options))
    elif section.asof is None:
        return OpenedRows(rows=open_rows(section.source, section.format, section.options))
    else:
        joined = Joined(table=load_table(section.source, section.format, section.options))
    if section.asof is not None:
        tables = _load_tables(section.asof, held_bytes=joined.table.nbytes)
        asof = _join_tables(joined.table, section.asof, tables, origin=section.source)
        joined = Joined(table=asof.table, reports=(*joined.reports, *asof.reports))
    return OpenedRows(rows=joined.table, reports=joined.reports)


def open_test_source(section: DataSection, *, joined: Sequence[str]) -> Rows:
    """Return the rows of ``data.test_source``, with what is joined to the source where they lack it.

    Parameters
    ----------
    joined : sequence of str
        The columns that were joined to the rows of the source; none where nothing was.
    """
    origin = str(section.test_source)
    source = find_source(str(section.source), section.format)
    if isinstance(source, JoiningSource) and not source.accepts(origin):
        rows = open_rows(origin)
    else:
        # The format is the source's own where the config names none: a CSV may be tested on Parquet.
        rows = open_rows(origin, section.format, section.options)
    if set(joined) <= set(rows.schema.names):
        return rows
    return feature_join(section, origin=origin)(as_table(rows, origin=origin)).table


def joins(section: DataSection) -> bool:
    """Say whether the config joins features to the rows of its source."""
    if section.asof is not None:
        return True
    return bool(section.source) and isinstance(find_source(str(section.source), section.format), JoiningSource)


def feature_join(section: DataSection, *, origin: str) -> Callable[[pa.Table], Joined]:
    """Return what joins to rows from elsewhere (a test source, new rows to score) what the config joins to its source.

    It may be called for some of the rows at a time; tables are loaded once. It raises
    `mltrain.errors.DataError` where the join cannot be made.

    Parameters
    ----------
    origin : str
        What the user calls the rows, for messages.

    Raises
    ------
    mltrain.errors.MltrainError
        A table that is joined cannot be read.
    """
    source = find_source(section.source, section.format) if section.source else None
    tables = () if section.asof is None else _load_tables(section.asof)

    def join(rows: pa.Table) -> Joined:
        joined = Joined(table=rows)
        if isinstance(source, JoiningSource):
            joined = source.join(rows, str(section.source), dict(section.options), origin=origin)
        if section.asof is not None:
            asof = _join_tables(joined.table, section.asof, tables, origin=origin)
            joined = Joined(table=asof.table, reports=(*joined.reports, *asof.reports))
        return joined

    return join


def label_time(section: DataSection) -> str | None:
    """Return the column of the time as of which features are joined, None where none are."""
    if section.asof is not None:
        return section.asof.time_column
    if section.source:
        source = find_source(section.source, section.format)
        if isinstance(source, JoiningSource):
            return source.time_column(dict(section.options))
    return None


def _join_tables(table: pa.Table, asof: AsofSection, tables: Sequence[Dated], *, origin: str) -> Joined:
    """Return rows with the tables of ``data.asof``, where there is room for them."""
    needed = join_bytes(table.num_rows, tables)
    room = room_left(held_bytes=table.nbytes + sum(dated.table.nbytes for dated in tables))
    if needed > room:
        raise too_large(f"{table.num_rows:,} rows with what is joined to them", needed, room, origin=origin)
    return join_asof(table, tables, time=asof.time_column, leave_out_late=asof.late_rows == "leave_out", origin=origin)


def _load_tables(asof: AsofSection, *, held_bytes: int = 0) -> tuple[Dated, ...]:
    """Return the tables of ``data.asof``, which take memory together."""
    tables: list[Dated] = []
    for place, section in enumerate(asof.tables):
        held = held_bytes + sum(dated.table.nbytes for dated in tables)
        tables.append(_load(section, f"data.asof.tables.{place}", held_bytes=held))
    return tuple(tables)


def _load(section: DatedTable, described: str, *, held_bytes: int) -> Dated:
    """Return one dated table, which the config describes under this key."""
    keys: Mapping[str, Any] = section.keys if isinstance(section.keys, Mapping) else {key: key for key in section.keys}
    return Dated(
        table=load_table(section.source, section.format, section.options, held_bytes=held_bytes),
        origin=section.source,
        keys=keys,
        time=section.time_column,
        written=section.created_column,
        max_age=None if section.max_age is None else parse_age(section.max_age),
        columns=section.columns,
        prefix=section.prefix,
        described=described,
    )
