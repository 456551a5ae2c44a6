"""What `split` refuses of single rows names them as the user's table has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.split import split
from mltrain.config import Config, DataSection, SplitSection
from mltrain.errors import DataError
from mltrain.workspace import Workspace

N = 300


def table(**columns: object) -> pa.Table:
    labels = [None if i % 3 == 0 else "yes" if i % 2 else "no" for i in range(N)]
    return pa.table({"x": np.arange(N) / 7, "label": labels, **columns})


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.data.rows.BATCH_CELLS", 100)


def test_a_wrong_weight_is_named_by_its_row_of_the_table_unlabelled_ones_counted(tmp_path: Path) -> None:
    pq.write_table(table(w=[-1.0 if i == 200 else 1.0 for i in range(N)]), tmp_path / "rows.parquet")
    data = DataSection(source=str(tmp_path / "rows.parquet"), target="label", weight_column="w")

    with pytest.raises(DataError, match="a weight is -1") as caught:
        split(Config(data=data), Workspace(root=tmp_path / "work"))

    assert caught.value.where == "column 'w', row 201"


def test_a_missing_time_is_named_by_its_row_of_the_table(tmp_path: Path) -> None:
    days = [None if i == 205 else f"2024-01-{1 + i % 28:02}" for i in range(N)]
    pq.write_table(table(day=days), tmp_path / "rows.parquet")
    data = DataSection(source=str(tmp_path / "rows.parquet"), target="label")
    plan = SplitSection(kind="time", time_column="day")

    with pytest.raises(DataError, match="1 rows have no time") as caught:
        split(Config(data=data, split=plan), Workspace(root=tmp_path / "work"))

    assert caught.value.where == "column 'day', row 206"


def test_an_unknown_label_of_the_test_source_is_named_by_its_row(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "rows.parquet")
    other = table()
    labels = other["label"].to_pylist()
    labels[250] = "perhaps"
    pq.write_table(other.set_column(1, "label", pa.array(labels)), tmp_path / "test.parquet")
    data = DataSection(
        source=str(tmp_path / "rows.parquet"), test_source=str(tmp_path / "test.parquet"), target="label"
    )

    with pytest.raises(DataError, match="'perhaps' is not a class") as caught:
        split(Config(data=data), Workspace(root=tmp_path / "work"))

    assert caught.value.where == "column 'label', row 251"
