"""One Parquet file of a dataset, a few thousand rows at a time.

Arrow's own scanner decodes whole row groups ahead, which takes three times the memory of what is read here and knows no
bound: a file may be one row group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

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
    with pq.ParquetFile(
        fragment.path, filesystem=fragment.filesystem, pre_buffer=False, buffer_size=_READ_BYTES
    ) as reader:
        stored = set(reader.schema_arrow.names)
        # A file asked for no column says nothing of how many rows there are.
        read = [name for name in columns if name in stored] or reader.schema_arrow.names[:1]
        groups = [group.id for group in fragment.row_groups]
        for batch in reader.iter_batches(batch_size=batch_rows, row_groups=groups, columns=read):
            arrays = [
                batch.column(field.name).cast(field.type)
                if field.name in stored
                else _repeated(known.get(field.name), field.type, n_rows=batch.num_rows)
                for field in wanted
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=wanted)


def _repeated(value: object, kind: pa.DataType, *, n_rows: int) -> pa.Array:
    """Return one value for all rows."""
    return pa.nulls(n_rows, kind) if value is None else pa.repeat(pa.scalar(value, kind), n_rows)
