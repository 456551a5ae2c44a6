"""From a name in the config to a table whose target and columns are understood."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain import plugins
from mltrain.config import DataSection
from mltrain.config.consistency import KEEP_SECRETS_OUT
from mltrain.data import DataSource, DescribingSource, Rows, Schema, Target
from mltrain.data.columns import infer_columns
from mltrain.data.locations import NO_ROWS_HINT, SourceFile, describe_files
from mltrain.data.nearest import listed, suggest
from mltrain.data.remote import scheme_of
from mltrain.data.rows import as_table
from mltrain.data.target import encode_target, make_target, unlabelled
from mltrain.errors import ConfigError, DataError, PluginError
from mltrain.redaction import carries_secret

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledRows:
    """Rows that have a label.

    Attributes
    ----------
    table : pyarrow.Table of n_samples rows
    y : ndarray of shape (n_samples,)
        Class codes of ``target``.
    n_unlabelled : int
        Rows left out because their label is missing.
    """

    table: pa.Table
    target: Target
    y: NDArray[np.int64]
    n_unlabelled: int

    def at(self, positions: NDArray[np.intp]) -> LabelledRows:
        """Return the rows at these positions, in this order."""
        return replace(self, table=self.table.take(pa.array(positions)), y=self.y[positions])


def load_table(source: str, format: str | None = None, options: Mapping[str, Any] | None = None) -> pa.Table:  # noqa: A002
    """Return all rows of a source in memory; see `open_rows`.

    Raises
    ------
    mltrain.errors.ConfigError
        No plug-in reads such a source, or an option is unknown.
    mltrain.errors.DataError
        Missing, empty or unreadable, or two columns share a name.
    """
    table = as_table(open_rows(source, format, options), origin=source)
    if table.num_rows == 0:
        raise DataError("there are no rows", where=source, hint=NO_ROWS_HINT)
    return table


def open_rows(source: str, format: str | None = None, options: Mapping[str, Any] | None = None) -> Rows:  # noqa: A002
    """Return the rows of a source, in memory or still on the disk; there may be none.

    Parameters
    ----------
    source : str
        A path, a folder, a glob, ``example:NAME``, or what the source plug-in understands.
    format : str, optional
        Name of the source plug-in; by default the one that accepts ``source``.
    options : mapping, optional
        Settings of the source plug-in.

    Raises
    ------
    mltrain.errors.ConfigError
        No plug-in reads such a source, or an option is unknown.
    mltrain.errors.DataError
        Missing or unreadable, or two columns share a name.
    """
    if carries_secret(source):
        raise ConfigError("the source holds a password or token", where="data.source", hint=KEEP_SECRETS_OUT)
    plugin = find_source(source, format)
    rows: Rows = plugin.load(source, dict(options or {}))
    names = rows.schema.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"column names occur twice: {listed(repeated)}", where=source, hint="rename one of each")
    return rows


def describe_source(source: str, format: str | None, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:  # noqa: A002
    """Return what the rows of a source come from as it is now; empty when only reading them can tell.

    Raises
    ------
    mltrain.errors.ConfigError
        No plug-in reads such a source, or an option is unknown.
    mltrain.errors.EnvironmentRefusal
        The disk, or the store behind a URL, refuses.
    """
    plugin = find_source(source, format)
    if isinstance(plugin, DescribingSource):
        return plugin.describe(source, dict(options))
    return describe_files(source) if scheme_of(source) is None else ()


def load_rows(section: DataSection) -> LabelledRows:
    """Return the rows of the config's source that have a label.

    Raises
    ------
    mltrain.errors.ConfigError
        The source or the target is not named.
    mltrain.errors.DataError
        See `load_table` and `label_rows`.
    """
    if not section.source:
        raise ConfigError(
            "data.source is not set", where="data.source", hint="name a file, a folder, a URL or a database"
        )
    return label_rows(load_table(section.source, section.format, section.options), section)


def label_rows(table: pa.Table, section: DataSection) -> LabelledRows:
    """Return the rows that have a label, and their class codes.

    Raises
    ------
    mltrain.errors.ConfigError
        The target is not named.
    mltrain.errors.DataError
        The target does not exist, or holds no classes to learn.
    """
    column = target_column(table, section)
    name = str(section.target)
    target = make_target(column, name, positive=section.positive_class, origin=section.source)
    missing = unlabelled(column)
    kept = table.filter(pa.array(~missing)) if missing.any() else table
    y = encode_target(target, kept.column(name))
    return LabelledRows(table=kept, target=target, y=y, n_unlabelled=int(missing.sum()))


def target_column(table: pa.Table, section: DataSection) -> pa.ChunkedArray:
    """Return the column to predict.

    Raises
    ------
    mltrain.errors.ConfigError
        The config names none.
    mltrain.errors.DataError
        There is no such column.
    """
    return table.column(check_target(table.column_names, section))


def check_target(names: Sequence[str], section: DataSection) -> str:
    """Return the name of the column to predict, which is one of ``names``.

    Raises
    ------
    mltrain.errors.ConfigError
        The config names none.
    mltrain.errors.DataError
        There is no such column.
    """
    if section.target is None:
        raise ConfigError("data.target is not set", where="data.target", hint=f"columns: {listed(names)}")
    if section.target not in names:
        raise DataError(
            f"there is no column {section.target!r}",
            where=f"{section.source}, data.target",
            hint=suggest(section.target, names),
        )
    return section.target


def infer_schema(
    rows: LabelledRows,
    section: DataSection,
    *,
    group: str | None = None,
    time: str | None = None,
    ids: Sequence[str] = (),
) -> Schema:
    """Return the schema that these rows and the config suggest; ``ids`` are named besides the config's.

    Raises
    ------
    mltrain.errors.ConfigError
        The config gives the target another role.
    mltrain.errors.DataError
        The config gives a role to a column that does not exist, or no column is left to learn from.
    """
    columns = infer_columns(
        rows.table,
        target=rows.target.name,
        overrides=section.columns,
        ids=(*section.id_columns, *ids),
        drop=section.drop if section.weight_column is None else (*section.drop, section.weight_column),
        group=group,
        time=time,
    )
    schema = Schema(columns=columns, target=rows.target, group=group, time=time)
    if not schema.features:
        reasons = "; ".join(f"{c.name}: {c.kind.value}, {c.reason}" for c in columns[:5])
        raise DataError(f"no column is left to learn from ({reasons})", where="data", hint="set data.columns")
    return schema


def find_source(source: str, format: str | None = None) -> DataSource:  # noqa: A002
    """Return the plug-in that is named, or the first by name that accepts the source.

    Raises
    ------
    mltrain.errors.ConfigError
        No plug-in reads such a source.
    mltrain.errors.PluginError
        There is no plug-in of that name, or its extra is not installed.
    """
    if format is not None:
        named: DataSource = plugins.load("sources", format)
        return named
    name = source_name(source)
    if name is None:
        raise ConfigError(
            f"no data source reads {source!r}",
            where="data.source",
            hint=f"set data.format to one of {listed(plugins.names('sources'))}",
        )
    found: DataSource = plugins.load("sources", name)
    return found


def source_name(source: str) -> str | None:
    """Return the first plug-in by name that accepts the source, or None; one that is broken is left out and told."""
    for name in plugins.names("sources"):
        try:
            plugin: DataSource = plugins.load("sources", name)
        except PluginError as error:
            logger.warning("data source %s is left out: %s", name, error)
            continue
        if plugin.accepts(source):
            return name
    return None
