from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from mltrain.data import Rows
from mltrain.data.rows import as_table, count_rows, iter_batches
from mltrain.errors import DataError, EnvironmentRefusal

TABLE = pa.table({"x": np.arange(1000), "a.b": [f"t{i % 7}" for i in range(1000)], "größe": np.arange(1000) / 7})


@pytest.fixture(params=["table", "dataset", "files"])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Rows:
    if request.param == "table":
        return TABLE
    if request.param == "dataset":
        return ds.dataset(TABLE)
    for part in range(3):
        pq.write_table(TABLE.slice(part * 400, 400), tmp_path / f"{part}.parquet", row_group_size=150)
    return ds.dataset(tmp_path, format="parquet")


def test_all_rows_come_in_order(rows: Rows) -> None:
    assert as_table(rows, origin="here").equals(TABLE)
    assert count_rows(rows, origin="here") == 1000


def test_batches_hold_the_columns_asked_for_and_no_more_rows_than_asked_for(rows: Rows) -> None:
    batches = list(iter_batches(rows, origin="here", columns=["größe", "a.b"], most_rows=64))

    assert max(batch.num_rows for batch in batches) <= 64
    assert pa.Table.from_batches(batches).equals(TABLE.select(["größe", "a.b"]))


def test_a_batch_of_many_columns_holds_fewer_rows(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.data.rows.BATCH_CELLS", 60)

    wide, narrow = (list(iter_batches(rows, origin="here", columns=names)) for names in (None, ["x"]))

    assert max(batch.num_rows for batch in wide) == 20
    assert max(batch.num_rows for batch in narrow) == 60
    assert pa.Table.from_batches(wide).equals(TABLE)


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    pq.write_table(TABLE.slice(0, 0), tmp_path / "none.parquet")
    rows = ds.dataset(tmp_path / "none.parquet", format="parquet")

    assert as_table(rows, origin="here").schema.equals(TABLE.schema)
    assert list(iter_batches(rows, origin="here")) == []


def test_a_value_that_does_not_fit_names_its_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": ["1"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": ["one"]}), tmp_path / "b.parquet")
    rows = ds.dataset(tmp_path, format="parquet", schema=pa.schema({"x": pa.int64()}))

    with pytest.raises(DataError, match=r"not readable.*one") as caught:
        as_table(rows, origin="here")

    assert caught.value.where == str(tmp_path / "b.parquet")


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "a.parquet")
    rows = ds.dataset(tmp_path, format="parquet")
    (tmp_path / "a.parquet").unlink()

    with pytest.raises(DataError, match=r"a file is gone.*a\.parquet"):
        as_table(rows, origin="here")


def test_rows_that_do_not_fit_into_memory_are_refused_with_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"x": np.zeros(10_000_000)}), tmp_path / "a.parquet")
    monkeypatch.setattr("mltrain.memory.available_bytes", lambda: 50_000_000)

    with pytest.raises(EnvironmentRefusal) as caught:
        as_table(ds.dataset(tmp_path, format="parquet"), origin="labels.parquet")

    assert caught.value.message == "10,000,000 rows need about 0.1 GB of memory, and 0.0 GB are left for them"
    assert caught.value.where == "labels.parquet"
