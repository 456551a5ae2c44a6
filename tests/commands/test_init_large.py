"""A config for a table that is not read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.init import init
from mltrain.data import sampling

N_ROWS = 200


@pytest.fixture(autouse=True)
def small_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    monkeypatch.setattr(sampling, "FEWEST_ROWS", 50)


def table(**columns: object) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "size": rng.normal(size=N_ROWS),
            "colour": [["red", "green", "blue"][i] for i in rng.integers(3, size=N_ROWS)],
            **columns,
            "answer": ["yes" if i % 4 == 0 else "no" for i in range(N_ROWS)],
        }
    )


def test_a_large_table_is_seen_through_a_sample_and_confirmed_and_counted_on_all_rows() -> None:
    rows = table(
        once=[1] * (N_ROWS - 1) + [2],
        constant=[1] * N_ROWS,
        amount=[f"{i}.5" for i in range(N_ROWS - 1)] + ["n/a"],
    )
    pq.write_table(rows, "rows.parquet", row_group_size=N_ROWS)

    result = init("rows.parquet", "answer")

    assert [(share.label, share.n_rows) for share in result.classes] == [("no", 150), ("yes", 50)]
    assert {column.name: column.kind.value for column in result.columns} == {
        "size": "numeric",
        "colour": "category",
        "once": "numeric",
        "constant": "dropped",
        "amount": "category",
    }
    assert "    - constant  # all values are the same" in Path("mltrain.yaml").read_text(encoding="utf-8").splitlines()


def test_only_a_sample_of_a_large_table_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for reads_all in ("mltrain.data.sampling.as_table", "mltrain.commands.init.load_table"):
        monkeypatch.setattr(reads_all, lambda *_, **__: pytest.fail("all rows are read"))
    pq.write_table(table(), "rows.parquet")

    assert init("rows.parquet", "answer").n_rows == N_ROWS


def test_rows_of_all_files_of_a_partitioned_folder_are_seen() -> None:
    rows = table()
    for year, start in ((2023, 0), (2024, 100)):
        Path(f"lake/year={year}").mkdir(parents=True)
        pq.write_table(rows.slice(start, 100), f"lake/year={year}/rows.parquet", row_group_size=5)

    result = init("lake", "answer")

    kinds = {column.name: column.kind.value for column in result.columns}
    assert (result.n_rows, kinds["year"], kinds["colour"]) == (N_ROWS, "numeric", "category")
