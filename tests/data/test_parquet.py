from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.data.parquet import SOURCE
from mltrain.data.rows import as_table
from mltrain.errors import ConfigError, DataError


def load(source: Path) -> pa.Table:
    return as_table(SOURCE.load(str(source), {}), origin=str(source))


def write(path: Path, **columns: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_file_keeps_columns_and_types(tmp_path: Path) -> None:
    file = write(tmp_path / "Größe 1.parquet", größe=[1, 2], name=["a", None])

    table = load(file)

    assert table.equals(pa.table({"größe": [1, 2], "name": ["a", None]}))


def test_folder_is_read_in_the_order_of_paths_without_hidden_files(tmp_path: Path) -> None:
    write(tmp_path / "b.parquet", x=[2])
    write(tmp_path / "a.parquet", x=[1])
    write(tmp_path / "deeper" / "c.parquet", x=[3])
    write(tmp_path / "_old" / "d.parquet", x=[9])
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".a.parquet.crc").write_text("?")

    assert SOURCE.accepts(str(tmp_path))
    assert load(tmp_path)["x"].to_pylist() == [1, 2, 3]


def test_hive_partitions_become_columns(tmp_path: Path) -> None:
    write(tmp_path / "year=2023" / "land=S%C3%BCd" / "a.parquet", x=[1, 2])
    write(tmp_path / "year=2024" / "land=__HIVE_DEFAULT_PARTITION__" / "a.parquet", x=[3])

    table = load(tmp_path)

    assert table.to_pydict() == {"x": [1, 2, 3], "year": [2023, 2023, 2024], "land": ["Süd", "Süd", None]}


def test_folders_above_the_source_are_no_partitions(tmp_path: Path) -> None:
    file = write(tmp_path / "run=1" / "a.parquet", x=[1])

    assert load(file.parent).column_names == ["x"]
    assert load(file).column_names == ["x"]


def test_glob_reads_what_matches(tmp_path: Path) -> None:
    for name in ("2023-a", "2023-b", "2024-a"):
        write(tmp_path / f"{name}.parquet", x=[name])

    assert load(tmp_path / "2023-*.parquet")["x"].to_pylist() == ["2023-a", "2023-b"]


def test_types_are_widened_over_files(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", x=[1], t=[None])
    write(tmp_path / "b.parquet", t=["u"], x=[1.5])

    table = load(tmp_path)

    assert table.to_pydict() == {"x": [1.0, 1.5], "t": [None, "u"]}


@pytest.mark.parametrize(
    ("other", "message"),
    [({"y": [1]}, "lacks 'x'"), ({"x": [1], "y": [1]}, "has 'y' besides"), ({"x": ["1"]}, "types differ")],
)
def test_file_that_differs_is_named(tmp_path: Path, other: dict, message: str) -> None:
    write(tmp_path / "a.parquet", x=[1])
    file = write(tmp_path / "b.parquet", **other)

    with pytest.raises(DataError, match=message) as caught:
        SOURCE.load(str(tmp_path), {})

    assert str(file) in str(caught.value.where)


def test_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*none\.parquet"):
        SOURCE.load(str(tmp_path / "none.parquet"), {})


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1", b"a,b\n1,2\n"])
def test_unreadable_file_is_a_data_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.parquet"
    file.write_bytes(content)

    with pytest.raises(DataError) as caught:
        SOURCE.load(str(file), {})

    assert caught.value.where == str(file)


def test_damaged_page_is_a_data_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", x=list(range(1000)))
    damaged = bytearray(file.read_bytes())
    damaged[4:40] = bytes(36)
    file.write_bytes(damaged)
    write(tmp_path / "0.parquet", x=[1])

    with pytest.raises(DataError, match="not readable") as caught:
        load(tmp_path)

    assert caught.value.where == str(file)


def test_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="columns"):
        SOURCE.load(str(tmp_path), {"columns": ["x"]})


def test_folders_are_text_where_one_of_them_is_no_number(tmp_path: Path) -> None:
    for year in ("2024", "other", "__HIVE_DEFAULT_PARTITION__", "--5", "²", "9" * 30):
        (tmp_path / f"year={year}").mkdir()
        write(tmp_path / f"year={year}" / "a.parquet", x=[1])

    found = load(tmp_path)["year"].to_pylist()

    assert found == ["--5", "2024", "9" * 30, None, "other", "²"]


@pytest.mark.parametrize("value", ["--5", "²", "٣", "007", "9" * 30, "-0", "-"])
def test_a_folder_that_is_no_plain_number_is_text(tmp_path: Path, value: str) -> None:
    (tmp_path / f"k={value}").mkdir()
    write(tmp_path / f"k={value}" / "a.parquet", x=[1])

    assert load(tmp_path)["k"].to_pylist() == [value]


def test_folders_of_whole_numbers_are_numbers(tmp_path: Path) -> None:
    for value in ("0", "-5", "2024"):
        (tmp_path / f"k={value}").mkdir()
        write(tmp_path / f"k={value}" / "a.parquet", x=[1])

    assert load(tmp_path)["k"].to_pylist() == [-5, 0, 2024]
