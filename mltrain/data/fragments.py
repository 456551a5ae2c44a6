"""One Parquet file, alone or of a dataset, some rows at a time.

Arrow's own scanner decodes whole row groups ahead, which takes three times the memory of what is read here and knows no
bound: a file may be one row group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

_READ_BYTES = 2**20


def reads_fragments(rows: ds.Dataset) -> bool:
    """Say whether a dataset is Parquet files and nothing else: no filter, no other format."""
    return (
        isinstance(rows, ds.FileSystemDataset)
        and isinstance(rows.format, ds.ParquetFileFormat)
        and not getattr(rows, "_scan_options", None)
    )


def fragment_batches(
    fragment: ds.ParquetFileFragment, schema: pa.Schema, *, columns: Sequence[str], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one file in order.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the dataset: values are cast to its types.
    columns : sequence of str
        Those that the file lacks come from its partition, and are null otherwise.
    """
    wanted = pa.schema([schema.field(name) for name in columns])
    known = ds.get_partition_keys(fragment.partition_expression)
    stored = fragment.physical_schema.names
    # A file asked for no column says nothing of how many rows there are.
    read = [name for name in columns if name in stored] or stored[:1]
    groups = [group.id for group in fragment.row_groups]
    for batch in parquet_batches(
        fragment.path, fragment.filesystem, columns=read, batch_rows=batch_rows, groups=groups
    ):
        arrays = [
            batch.column(field.name).cast(field.type)
            if field.name in read
            else _repeated(known.get(field.name), field.type, n_rows=batch.num_rows)
            for field in wanted
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=wanted)


def parquet_batches(
    path: str,
    filesystem: fs.FileSystem,
    *,
    columns: Sequence[str],
    batch_rows: int,
    groups: Sequence[int] | None = None,
    dictionaries: Sequence[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one Parquet file in order: the only reader of rows that do not fit into memory.

    Parameters
    ----------
    columns : sequence of str
        Stored ones, to be read alone.
    groups : sequence of int, optional
        Row groups to read; by default all.
    dictionaries : sequence of str
        Columns of text to read as the dictionaries that they are mostly stored as.
    """
    # Arrow's default is to read all columns ahead and to let go of them at the end: memory would grow with the file.
    with pq.ParquetFile(
        path, filesystem=filesystem, read_dictionary=list(dictionaries), pre_buffer=False, buffer_size=_READ_BYTES
    ) as reader:
        yield from reader.iter_batches(batch_size=batch_rows, row_groups=groups, columns=list(columns))


def _repeated(value: object, kind: pa.DataType, *, n_rows: int) -> pa.Array:
    """Return one value for all rows."""
    return pa.nulls(n_rows, kind) if value is None else pa.repeat(pa.scalar(value, kind), n_rows)
