from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from mltrain.data.csv import SOURCE
from mltrain.errors import ConfigError, DataError


def load(path: Path, content: str, *, encoding: str = "utf-8", **options: object) -> pa.Table:
    path.write_bytes(content.encode(encoding))
    return SOURCE.load(str(path), options)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def test_types_are_inferred_and_gaps_are_missing(file: Path) -> None:
    table = load(file, "n,x,t,b,d\n1,0.5,ä,true,2024-01-31\n,,,,\n2,1,NA,false,2024-02-29\n")

    assert table.to_pydict() == {
        "n": [1, None, 2],
        "x": [0.5, None, 1.0],
        "t": ["ä", None, None],
        "b": [True, None, False],
        "d": [dt.date(2024, 1, 31), None, dt.date(2024, 2, 29)],
    }


def test_a_type_is_inferred_from_all_rows_not_the_first_block(file: Path) -> None:
    table = load(file, "a\n" + "1\n" * 700_000 + "1.5\n")

    assert table.schema.field("a").type == pa.float64()


def test_options_say_how_the_file_is_written(file: Path) -> None:
    content = "größe|name\n1,5|?\n2|Süd\n"

    file.write_bytes(content.encode("latin-1"))
    table = SOURCE.load(
        str(file), {"delimiter": "|", "encoding": "latin-1", "null_values": ["?"], "decimal_point": ","}
    )

    assert table.to_pydict() == {"größe": [1.5, 2.0], "name": [None, "Süd"]}


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_delimiter_is_found_in_the_header(file: Path, mark: str) -> None:
    assert load(file, f"a{mark}b\n1{mark}2\n").to_pydict() == {"a": [1], "b": [2]}


def test_packed_files_folders_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffx\n1\n".encode())
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x\n2.5\n"))

    assert SOURCE.accepts(str(tmp_path))
    assert SOURCE.load(str(tmp_path), {}).to_pydict() == {"x": [1.0, 2.5]}


@pytest.mark.parametrize(
    ("content", "message", "where"),
    [
        ("a,b\n1,2\n3,4,5\n", "Expected 2 columns, got 3", "row 3"),
        ("", "is empty", "rows.csv"),
        ("\n\n", "there are no rows", "rows.csv"),
        ("a,a\n1,2\n", "column names occur twice: 'a'", "rows.csv"),
    ],
)
def test_wrong_file_is_named_with_the_row(file: Path, content: str, message: str, where: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(file, content)

    assert str(caught.value.where).endswith(where)


@pytest.mark.parametrize("content", ["a\nü\n", "ü\na\n"])
def test_other_encoding_is_refused_with_a_hint(file: Path, content: str) -> None:
    with pytest.raises(DataError, match="not a readable CSV file") as caught:
        load(file, content, encoding="latin-1")

    assert "data.options.encoding" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"delimeter": ";"}, "data.options"),
        ({"delimiter": ";;"}, "data.options.delimiter"),
        ({"encoding": "klingon"}, "data.options.encoding"),
        ({"null_values": 3}, "data.options.null_values"),
    ],
)
def test_wrong_option_is_a_config_error(file: Path, options: dict, where: str) -> None:
    file.write_text("a,b\n1,2\n")

    with pytest.raises(ConfigError) as caught:
        SOURCE.load(str(file), options)

    assert caught.value.where == where
