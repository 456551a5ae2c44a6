from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from pyarrow import feather

from mltrain.data.ipc import SOURCE
from mltrain.data.rows import as_table
from mltrain.errors import DataError


def load(source: Path) -> pa.Table:
    return as_table(SOURCE.load(str(source), {}), origin=str(source))


def test_a_file_keeps_columns_and_types_and_stays_on_the_disk(tmp_path: Path) -> None:
    rows = pa.table({"größe": [1, 2], "name": pa.array(["a", None]).dictionary_encode()})
    feather.write_feather(rows, tmp_path / "Größe 1.arrow")

    assert isinstance(SOURCE.load(str(tmp_path / "Größe 1.arrow"), {}), ds.Dataset)
    assert load(tmp_path / "Größe 1.arrow").equals(rows)


def test_a_folder_is_read_in_the_order_of_paths_with_its_partitions(tmp_path: Path) -> None:
    for year, x in ((2024, 2), (2023, 1)):
        (tmp_path / f"year={year}").mkdir()
        feather.write_feather(pa.table({"x": [x]}), tmp_path / f"year={year}" / "a.feather")

    assert SOURCE.accepts(str(tmp_path))
    assert load(tmp_path).to_pydict() == {"x": [1, 2], "year": [2023, 2024]}


def test_a_stream_is_read_as_well(tmp_path: Path) -> None:
    rows = pa.table({"x": [1, 2, 3]})
    with pa.ipc.new_stream(tmp_path / "rows.arrows", rows.schema) as writer:
        writer.write_table(rows, max_chunksize=2)

    assert load(tmp_path / "rows.arrows").equals(rows)


@pytest.mark.parametrize("text", [b"x,y\n1,2\n", b"ARROW1 and no more"])
def test_another_format_is_a_data_error_that_names_the_file(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "rows.arrow"
    file.write_bytes(text)

    with pytest.raises(DataError, match="not a readable Arrow IPC file") as caught:
        load(file)

    assert caught.value.where == str(file)
