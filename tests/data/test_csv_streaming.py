"""CSV files too large to be read at once: the same types and rows as if they were."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from mltrain.data import csv_format
from mltrain.data.csv import SOURCE
from mltrain.data.rows import as_table, count_rows, iter_batches
from mltrain.errors import DataError

COLUMNS = {
    "int": ["1", " 2", "-0", "20240101"],
    "hex": ["0x1F", "1", "2", "3"],
    "plus": ["+1", "2", "", "3"],
    "huge": ["99999999999999999999", "1", "2", "3"],
    "truth": ["0", "true", "False", ""],
    "padded truth": ["true", " false", "true", "true"],
    "zero or one": ["0", "1", "1", "0"],
    "numbers, then truth": ["5", "7", "true", "0"],
    "date": ["2024-01-01", " 2024-02-29", "", "1500-01-01"],
    "date, then moment": ["2024-01-01", "2024-01-02", "2024-01-02 10:00:00", ""],
    "moment": ["2024-01-01 10:00:00", "2024-01-01T10:00", "2024-01-01", ""],
    "padded moment": ["2024-01-01 10:00:00", " 2024-01-01 10:00:00", "", ""],
    "fine moment": ["2024-01-01 10:00:00.5", "2024-01-01", "", ""],
    "far fine moment": ["1500-01-01", "2024-01-01 10:00:00.5", "", ""],
    "zoned": ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02", "", ""],
    "zoned or not": ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00", "", ""],
    "fine zoned": ["2024-01-01T10:00:00.5Z", "2024-01-01T10:00:00+02", "", ""],
    "time": ["10:00", "11:00:05", "23:59", ""],
    "no time": ["10:00", "24:00", "", ""],
    "fine time": ["10:00:00.5", "11:00", "", ""],
    "real": ["1.5", "2", " 3e5 ", "inf"],
    "nan": ["nan", "NaN", "1", "2"],
    "blank": [" ", "1", "2", "3"],
    "word": ["1", "2", "3", "n/a"],
    "text": ["Łódź", "a,b", "NA", '"quoted"'],
    "empty": ["", "NA", "", "NA"],
    "under_score": ["1_000", "2", "3", "4"],
}


def written(columns: dict[str, list[str]], path: Path, *, mark: str = ",") -> Path:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if mark in value or '"' in value else value

    lines = zip(*columns.values(), strict=True)
    rows = [mark.join(map(quoted, columns)), *(mark.join(map(quoted, line)) for line in lines)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.data.csv.MOST_BYTES", 10)
    monkeypatch.setattr(csv_format, "BLOCK_BYTES", 400)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_has_the_type_and_values_that_all_rows_at_once_give_it(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = written({name: COLUMNS[name] * 100, "n": ["1"] * 400}, tmp_path / "rows.csv")
    expected = SOURCE.load(str(path), {})
    request.getfixturevalue("large")

    rows = SOURCE.load(str(path), {})

    assert isinstance(expected, pa.Table)
    assert isinstance(rows, ds.Dataset)
    assert rows.schema.equals(expected.schema)
    assert as_table(rows, origin="here").combine_chunks().to_pylist().__repr__() == expected.to_pylist().__repr__()


def test_rows_pass_some_at_a_time_in_order_and_only_the_columns_asked_for(large: None, tmp_path: Path) -> None:
    path = written({"a.b": [str(i) for i in range(5000)], "t": ["x"] * 5000}, tmp_path / "rows.csv")

    rows = SOURCE.load(str(path), {})

    assert count_rows(rows, origin="here") == 5000
    batches = list(iter_batches(rows, origin="here", columns=["a.b"], most_rows=100))
    assert max(batch.num_rows for batch in batches) <= 100
    assert pa.Table.from_batches(batches).to_pydict() == {"a.b": list(range(5000))}


def test_files_are_unified_and_options_hold(large: None, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("größe;x\n1,5;?\n".encode("latin-1") * 1 + b"2;7\n" * 20)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress("größe;x\n3;0,5\n".encode("latin-1")))

    rows = SOURCE.load(str(tmp_path / "*.csv*"), {"encoding": "latin-1", "null_values": ["?"], "decimal_point": ","})

    table = as_table(rows, origin="here")
    assert table["größe"].to_pylist() == [1.5, *[2.0] * 20, 3.0]
    assert table["x"].to_pylist() == [None, *[7.0] * 20, 0.5]


def test_a_broken_row_is_named_when_the_source_is_opened(large: None, tmp_path: Path) -> None:
    path = written({"a": ["1"] * 300, "b": ["2"] * 300}, tmp_path / "rows.csv")
    with path.open("a", encoding="utf-8") as opened:
        opened.write("1,2,3\n")

    with pytest.raises(DataError, match=r"not a readable CSV file.*Expected 2 columns, got 3"):
        SOURCE.load(str(path), {})


def test_files_with_different_delimiters_are_refused(large: None, tmp_path: Path) -> None:
    written({"a": ["1"] * 30, "b": ["2"] * 30}, tmp_path / "a.csv")
    written({"a": ["1"] * 30, "b": ["2"] * 30}, tmp_path / "b.csv", mark=";")

    with pytest.raises(DataError, match="different delimiters"):
        SOURCE.load(str(tmp_path), {})
