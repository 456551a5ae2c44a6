"""From a name in the config to a table whose target and columns are understood."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mltrain import plugins
from mltrain.config import DataSection
from mltrain.config.consistency import KEEP_SECRETS_OUT
from mltrain.data import DataSource, DescribingSource, Rows, Schema, Target
from mltrain.data.columns import infer_columns
from mltrain.data.locations import NO_ROWS_HINT, SourceFile, describe_files, find_files, has_suffix
from mltrain.data.nearest import listed, suggest
from mltrain.data.remote import scheme_of
from mltrain.data.rows import as_table
from mltrain.errors import ConfigError, DataError, MltrainError, PluginError
from mltrain.redaction import carries_secret

logger = logging.getLogger(__name__)

_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
_PATH = re.compile(r"^[^:]+$|^[A-Za-z]:[\\/]")  # what names a scheme or a plug-in is none, but for a drive's letter


def load_table(
    source: str,
    format: str | None = None,  # noqa: A002
    options: Mapping[str, Any] | None = None,
    *,
    held_bytes: int = 0,
) -> pa.Table:
    """Return all rows of a source in memory; see `open_rows` and `mltrain.data.rows.as_table`.

    Raises
    ------
    mltrain.errors.ConfigError
        No plug-in reads such a source, or an option is unknown.
    mltrain.errors.DataError
        Missing, empty or unreadable, or two columns share a name.
    """
    table = as_table(open_rows(source, format, options), origin=source, held_bytes=held_bytes)
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
    table: pa.Table,
    target: Target,
    section: DataSection,
    *,
    group: str | None = None,
    time: str | None = None,
    ids: Sequence[str] = (),
) -> Schema:
    """Return the schema that labelled rows and the config suggest; ``ids`` are named besides the config's.

    Raises
    ------
    mltrain.errors.ConfigError
        The config gives the target another role.
    mltrain.errors.DataError
        The config gives a role to a column that does not exist, or no column is left to learn from.
    """
    columns = infer_columns(
        table,
        target=target.name,
        overrides=section.columns,
        ids=(*section.id_columns, *ids),
        drop=section.drop if section.weight_column is None else (*section.drop, section.weight_column),
        group=group,
        time=time,
    )
    schema = Schema(columns=columns, target=target, group=group, time=time)
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
    mltrain.errors.DataError
        It looks like a path, and nothing is there.
    mltrain.errors.PluginError
        There is no plug-in of that name, or its extra is not installed.
    """
    if format is not None:
        named: DataSource = plugins.load("sources", format)
        return named
    name = source_name(source)
    if name is None:
        raise _read_by_nobody(source)
    found: DataSource = plugins.load("sources", name)
    return found


def _read_by_nobody(source: str) -> MltrainError:
    """Return the error for a source that no plug-in accepts: it is not there, a spreadsheet, or says nothing."""
    formats = f"set data.format to one of {listed(plugins.names('sources'))}"
    if has_suffix(source, _SPREADSHEETS):
        hint = "export the sheet as CSV or Parquet, and name that file"
        return ConfigError(f"no data source reads {source!r}: it is a spreadsheet", where="data.source", hint=hint)
    if scheme_of(source) is None and _PATH.search(source) and not find_files(source):
        is_there = Path(source).expanduser().exists()
        what = f"folder {source!r} holds no files" if is_there else f"there is no file or folder {source!r}"
        hint = f"check the name; paths start at the current directory. A source that is no path: {formats}"
        return DataError(what, where=str(Path(source).expanduser().absolute()), hint=hint)
    return ConfigError(f"no data source reads {source!r}", where="data.source", hint=formats)


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
