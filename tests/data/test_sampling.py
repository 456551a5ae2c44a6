from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import feather

from mltrain.data.sampling import sample_rows, sample_size

TABLE = pa.table({"x": np.arange(3000), "größe": [f"t{i % 7}" for i in range(3000)]})


def _files(folder: Path) -> ds.Dataset:
    for part in range(3):
        pq.write_table(TABLE.slice(part * 1000, 1000), folder / f"{part}.parquet", row_group_size=20)
    return ds.dataset(folder, format="parquet")


def test_few_rows_are_all_taken(tmp_path: Path) -> None:
    assert sample_rows(_files(tmp_path), size=3000, origin="here").equals(TABLE)


def test_rows_of_parquet_files_come_from_beginning_middle_and_end_in_order(tmp_path: Path) -> None:
    sample = sample_rows(_files(tmp_path), size=400, origin="here")

    x = sample["x"].to_numpy()
    assert 380 <= len(x) <= 440
    assert (np.diff(x) > 0).all()
    assert [np.count_nonzero((x >= part * 1000) & (x < (part + 1) * 1000)) > 100 for part in range(3)] == [True] * 3
    assert sample.equals(TABLE.take(pa.array(x)))


def test_rows_in_memory_come_from_all_over_the_table() -> None:
    x = sample_rows(TABLE, size=200, origin="here")["x"].to_numpy()

    assert (len(x), x[0], x[-1]) == (200, 0, 2999)


def test_other_files_give_their_first_rows(tmp_path: Path) -> None:
    feather.write_feather(TABLE, tmp_path / "rows.feather", chunksize=70)

    sample = sample_rows(ds.dataset(tmp_path, format="feather"), size=100, origin="here")

    assert sample.equals(TABLE.slice(0, 100))


def test_wide_tables_give_fewer_rows() -> None:
    assert [sample_size(n) for n in (2, 200, 4_000, 1_000_000)] == [200_000, 200_000, 10_000, 5_000]
