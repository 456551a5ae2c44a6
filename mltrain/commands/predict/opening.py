"""The rows to score: who reads them, some at a time, and the features that the config joins to them on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

import pyarrow as pa

from mltrain.config import Config
from mltrain.data import Rows, StreamingSource
from mltrain.data.joined import Joined
from mltrain.data.joining import feature_join, joins
from mltrain.data.loading import open_rows, source_name
from mltrain.data.locations import NO_ROWS_HINT
from mltrain.data.numbering import shifted
from mltrain.data.rows import batch_rows, iter_batches
from mltrain.data.streaming import Stream, stream_csv, stream_parquet, stream_reader, stream_rows, stream_tables
from mltrain.errors import DataError
from mltrain.model import Model, available_cores
from mltrain.plugins import load

BATCH_ROWS = 65_536
# Of all batches that are scored at once, one for each core: some 270 MB.
SCORED_CELLS = 2**25
# For each join the dated tables are sorted anew, or a feature store is started: pieces of 30 MB would not be worth it.
JOIN_ROWS = 1_000_000
JOIN_CELLS = 2**25


def open_source(config: Config | None, source: str, model: Model) -> Stream:
    """Open a source in batches, with what the config joins to its rows where they lack it.

    Raises
    ------
    mltrain.errors.MltrainError
        It cannot be read, or a join cannot be made.
    """
    format_, options = _reading(config, source)
    if config is None or not joins(config.data):
        return _open_batches(source, model, format_=format_, options=options)
    rows = open_rows(source, format_, options)
    if {column.name for column in model.schema.features} <= set(rows.schema.names):
        return stream_rows(rows, model.schema, origin=source, most_rows=_most_rows(model))
    pieces = _joined(rows, feature_join(config.data, origin=source), origin=source)
    first = next(pieces, None)
    if first is None:
        raise DataError("there are no rows", where=source, hint=NO_ROWS_HINT)
    return stream_tables(chain([first], pieces), first.column_names, model.schema, most_rows=_most_rows(model))


def _most_rows(model: Model) -> int:
    """Return how many rows a batch may have: there are as many as cores, and one more that is read meanwhile."""
    n_columns = len(model.schema.features) + len(model.schema.ids)
    return batch_rows(n_columns, most_rows=BATCH_ROWS, most_cells=SCORED_CELLS // (available_cores() + 1))


def _reading(config: Config | None, source: str) -> tuple[str | None, Mapping[str, Any]]:
    """Return who reads a source and how: what its name says, else the config's own format.

    Options of the config hold where the source is of the config's own format.
    """
    if config is None or config.data.source is None:
        return source_name(source), {}
    own = source_name(config.data.source) if config.data.format is None else config.data.format
    format_ = source_name(source) or config.data.format
    return format_, config.data.options if format_ == own else {}


def _open_batches(source: str, model: Model, *, format_: str | None, options: Mapping[str, Any]) -> Stream:
    """Open a source in batches."""
    if format_ == "parquet":
        return stream_parquet(source, model.schema, options=options, most_rows=_most_rows(model))
    if format_ == "csv":
        return stream_csv(source, model.schema, options=options)
    plugin = None if format_ is None else load("sources", format_)
    if isinstance(plugin, StreamingSource):
        return stream_reader(plugin.stream(source, options), model.schema, most_rows=_most_rows(model))
    rows = open_rows(source, format_, options)
    return stream_rows(rows, model.schema, origin=source, most_rows=_most_rows(model))


def _joined(rows: Rows, join: Callable[[pa.Table], Joined], *, origin: str) -> Iterator[pa.Table]:
    """Yield the rows with what is joined to them, a large piece at a time."""
    n_before = 0
    for piece in _pieces(rows, origin=origin):
        try:
            yield join(piece).table
        except DataError as error:
            where = None if error.where is None else shifted(error.where, n_before)
            raise DataError(shifted(error.message, n_before), where=where, hint=error.hint) from error
        n_before += piece.num_rows


def _pieces(rows: Rows, *, origin: str) -> Iterator[pa.Table]:
    """Yield the rows in pieces that are worth a join."""
    size = batch_rows(len(rows.schema), most_rows=JOIN_ROWS, most_cells=JOIN_CELLS)
    gathered: list[pa.RecordBatch] = []
    for batch in iter_batches(rows, origin=origin, most_rows=size):
        gathered.append(batch)
        if sum(part.num_rows for part in gathered) >= size:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)
