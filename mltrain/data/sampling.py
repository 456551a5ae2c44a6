"""A few hundred thousand rows of a source, where all of them would not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from mltrain.data import Rows
from mltrain.data.fragments import fragment_batches, reads_fragments
from mltrain.data.rows import as_table, batch_rows, count_rows, iter_batches, naming_the_file

MOST_ROWS = 200_000
MOST_CELLS = 40_000_000
FEWEST_ROWS = 5_000
_PLACES = 20


def sample_size(n_columns: int) -> int:
    """Return how many rows of so many columns are enough to tell what the columns mean."""
    return max(FEWEST_ROWS, min(MOST_ROWS, MOST_CELLS // max(n_columns, 1)))


def sample_rows(rows: Rows, *, size: int, origin: str) -> pa.Table:
    """Return all rows where they are no more than ``size``, and about so many of them otherwise, in their order.

    Of Parquet files they are the first ones of row groups from all over the files, for what was appended last may look
    otherwise; of other datasets the first ones.

    Raises
    ------
    mltrain.errors.DataError
        A file cannot be read; names it.
    """
    n_rows = count_rows(rows, origin=origin)
    if n_rows <= size:
        return as_table(rows, origin=origin)
    if isinstance(rows, pa.Table):
        starts = np.linspace(0, n_rows - size // _PLACES, _PLACES).astype(int)
        return pa.concat_tables([rows.slice(start, size // _PLACES) for start in starts.tolist()])
    if not reads_fragments(rows):
        return _first(iter_batches(rows, origin=origin), rows.schema, size=size)
    with naming_the_file(rows, rows.schema.names, origin=origin):
        groups = [group for fragment in rows.get_fragments() for group in fragment.split_by_row_group()]
        chosen = _spread(groups, size=size, n_rows=n_rows)
        each = -(-size // len(chosen))
        return pa.concat_tables([_first(_read(group, rows.schema), rows.schema, size=each) for group in chosen])


def _spread(groups: Sequence[ds.ParquetFileFragment], *, size: int, n_rows: int) -> Sequence[ds.ParquetFileFragment]:
    """Return row groups from all over the files, enough of them for a sample."""
    n_wanted = max(_PLACES, -(-size * len(groups) // n_rows))
    places = np.unique(np.linspace(0, len(groups) - 1, min(n_wanted, len(groups))).round().astype(int))
    return [groups[place] for place in places]


def _read(group: ds.ParquetFileFragment, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield all columns of a row group."""
    yield from fragment_batches(group, schema, columns=schema.names, batch_rows=batch_rows(len(schema)))


def _first(batches: Iterator[pa.RecordBatch], schema: pa.Schema, *, size: int) -> pa.Table:
    """Return the first rows, without reading on."""
    kept, n_left = [], size
    for batch in batches:
        kept.append(batch.slice(0, n_left))
        n_left -= kept[-1].num_rows
        if n_left == 0:
            break
    return pa.Table.from_batches(kept, schema=schema)
