"""Rows sorted on the disk by a number that they carry: each range of numbers has a file that fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Buckets:
    """Rows in files by the highest bits of their numbers, which are even over all 64-bit numbers.

    Where so many files may not be open at once, a file holds more than fits, and its rows go to files of their own
    later, by the bits that follow.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the rows; the last column holds the numbers, as uint64.
    n_rows : int
        How many rows will come.
    fitting : int
        How many of them are to be sorted in memory at once; twice as many may be.
    folder : Path
        Where the files are made; not yet there.
    most_files : int
        How many of them may be open; at least two are.
    n_shared : int
        How many of the highest bits are the same in all rows.
    """

    def __init__(
        self, schema: pa.Schema, *, n_rows: int, fitting: int, folder: Path, most_files: int, n_shared: int = 0
    ) -> None:
        self._schema = schema
        self._fitting = fitting
        self._most_files = most_files
        self._n_shared = n_shared
        self._bits = max(1, min((n_rows // fitting).bit_length(), most_files.bit_length() - 1))
        self._sizes = np.zeros(2**self._bits, dtype=np.int64)
        folder.mkdir()
        self._paths = [folder / f"{bucket}.arrow" for bucket in range(2**self._bits)]
        # Not the form for files: it allows one dictionary a column, and each batch has its own.
        self._writers = [pa.ipc.new_stream(path, schema) for path in self._paths]

    def add(self, rows: pa.RecordBatch) -> None:
        """Write rows to the files of their buckets."""
        numbers = rows.columns[-1].to_numpy() << np.uint64(self._n_shared)
        bucket_of_rows = (numbers >> np.uint64(64 - self._bits)).astype(np.int64)
        order = np.argsort(bucket_of_rows, kind="stable")
        sizes = np.bincount(bucket_of_rows, minlength=len(self._writers))
        self._sizes += sizes
        ends = np.cumsum(sizes)
        for bucket in np.flatnonzero(sizes):
            inside = order[ends[bucket] - sizes[bucket] : ends[bucket]]
            self._writers[bucket].write(rows.take(pa.array(inside)))

    def sorted_tables(self) -> Iterator[pa.Table]:
        """Yield all rows in the order of their numbers, a bucket at a time; its file is gone afterwards."""
        for writer in self._writers:
            writer.close()
        for path, n_rows in zip(self._paths, self._sizes.tolist(), strict=True):
            if n_rows > 2 * self._fitting:
                yield from self._divided(path, n_rows=n_rows).sorted_tables()
            else:
                with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                    table = reader.read_all()
                path.unlink()
                yield sorted_by_last(table)

    def _divided(self, path: Path, *, n_rows: int) -> Buckets:
        """Return the rows of a file in files of their own."""
        buckets = Buckets(
            self._schema,
            n_rows=n_rows,
            fitting=self._fitting,
            folder=path.with_suffix(""),
            most_files=self._most_files,
            n_shared=self._n_shared + self._bits,
        )
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            for rows in reader:
                buckets.add(rows)
        path.unlink()
        return buckets


def sorted_by_last(table: pa.Table) -> pa.Table:
    """Return rows in the order of their last column."""
    table = table.unify_dictionaries()
    return table.take(pc.sort_indices(table.column(table.num_columns - 1)))
