from __future__ import annotations

import gc
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from mltrain.data.rows import as_table, iter_batches
from mltrain.data.spooling import kept
from mltrain.errors import DataError


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("mltrain.data.spooling.MOST_BYTES", 100)
    return tmp_path


def pieces(n: int = 5) -> list[pa.Table]:
    """Tables of which the first knows less of its types than the later ones."""
    first = pa.table({"x": pa.array([1, 2]), "größe": pa.nulls(2)})
    return [first, *(pa.table({"x": pa.array([i / 2] * 20), "größe": ["ä"] * 20}) for i in range(n))]


def test_few_rows_stay_in_memory() -> None:
    rows = kept(pieces(), origin="here")

    assert isinstance(rows, pa.Table)
    assert rows.num_rows == 102


def test_many_rows_are_the_same_from_the_disk_as_often_as_they_are_read(temporary: Path) -> None:
    rows = kept(iter(pieces()), origin="here")

    assert isinstance(rows, ds.Dataset)
    expected = pa.concat_tables(
        [table.cast(pa.schema({"x": pa.float64(), "größe": pa.string()})) for table in pieces()]
    )
    for _ in range(2):
        assert as_table(rows, origin="here").equals(expected)
    assert sum(batch.num_rows for batch in iter_batches(rows, origin="here", columns=["x"])) == 102


def test_temporary_files_go_when_the_rows_are_no_longer_needed(temporary: Path) -> None:
    rows = kept(pieces(), origin="here")
    assert len(list(temporary.glob("mltrain-rows-*/*.parquet"))) == 2

    del rows
    gc.collect()

    assert list(temporary.iterdir()) == []


def test_types_that_nothing_holds_are_refused_and_nothing_is_left(temporary: Path) -> None:
    with pytest.raises(DataError, match="types differ: string in here"):
        kept([*pieces(), pa.table({"x": ["one"], "größe": ["ä"]})], origin="here")

    gc.collect()
    assert list(temporary.iterdir()) == []
