from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from mltrain.data.target import encode_target, label_text, make_target, unlabelled
from mltrain.errors import ConfigError, DataError


def column(values: list, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["no", "yes", "no"], ("no", "yes")),
        (["yes", "no", "yes"], ("yes", "no")),
        ([True, False, False], (False, True)),
        ([1, 2, 1], (1, 2)),
        ([2, 1, 2], (2, 1)),
        ([1.0, 2.0, 1.0, None], (1, 2)),
        ([0.5, 1.0, 0.5], (0.5, 1)),
        (["ja", "nein", "ja", "väldigt", "nein"], ("ja", "nein", "väldigt")),
        ([10, 9, 9, 10, 2, 2], (2, 9, 10)),
        (["b", "a"], ("a", "b")),
    ],
)
def test_two_classes_end_with_the_rarer_and_more_are_sorted(values: list, classes: tuple) -> None:
    assert make_target(column(values), "y").classes == classes


def test_dictionary_and_large_text_are_read_as_text() -> None:
    plain = column(["n", "n", "p"])

    for other in (plain.dictionary_encode(), plain.cast(pa.large_string())):
        assert make_target(other, "y") == make_target(plain, "y")


@pytest.mark.parametrize(
    ("values", "positive", "chosen"),
    [
        ([1, 2, 2], "2", 2),
        ([1, 2, 2], 2.0, 2),
        (["1", "2", "2"], 2, "2"),
        ([True, False, False], "false", False),
        (["Yes", "No", "No"], "no", "No"),
        (["größer", "kleiner", "kleiner"], "kleiner", "kleiner"),
    ],
)
def test_positive_class_is_matched_by_its_text(values: list, positive: object, chosen: object) -> None:
    assert make_target(column(values), "y", positive=positive).positive == chosen


def test_unknown_positive_class_lists_the_classes() -> None:
    with pytest.raises(DataError, match="'maybe' is not a class") as caught:
        make_target(column(["no", "yes", "no"]), "y", positive="maybe")

    assert caught.value.hint == "the classes are 'no', 'yes'"


def test_positive_class_of_three_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="needs two classes"):
        make_target(column(["a", "b", "c"] * 3), "y", positive="a")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", "a", None], "all 2 rows have the same class, 'a'"),
        ([None, None], "all labels are missing"),
        (["", " "], "all labels are missing"),
        ([i / 7 for i in range(100)], "a number with 100 values: mltrain classifies"),
        (list(range(812)), "a number with 812 values: mltrain classifies"),
        ([f"t{i}" for i in range(100)], "100 classes among 100 rows are too many"),
        ([f"t{i % 1001}" for i in range(5000)], "1001 classes among 5000 rows are too many"),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], "names no classes"),
        ([[1], [2]], "names no classes"),
    ],
)
def test_what_names_no_classes_is_refused(values: list, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        make_target(column(values), "y")

    assert caught.value.where == "column 'y'"


def test_codes_follow_the_classes_whatever_the_type_of_the_column() -> None:
    target = make_target(column([1, 2, 1]), "y")
    expected = [1, 0, 1]

    for values in ([2, 1, 2], [2.0, 1.0, 2.0], ["2", "1", "2"]):
        codes = encode_target(target, column(values))
        assert codes.dtype == np.int64
        assert codes.tolist() == expected


def test_unknown_label_names_the_row_and_the_classes() -> None:
    target = make_target(column(["a", "b"] * 3), "y")

    with pytest.raises(DataError, match="label 'c' is not a class") as caught:
        encode_target(target, column(["a", "c"]))

    assert caught.value.where == "column 'y', row 2"
    assert caught.value.hint == "the classes are 'a', 'b'"


def test_missing_label_is_refused_when_codes_are_asked_for() -> None:
    with pytest.raises(DataError, match="1 rows have no label"):
        encode_target(make_target(column(["a", "b"]), "y"), column(["a", None]))


def test_null_nan_and_blank_are_no_labels() -> None:
    assert unlabelled(column([1.0, float("nan"), None])).tolist() == [False, True, True]
    assert unlabelled(column(["a", " ", None]).dictionary_encode()).tolist() == [False, True, True]


def test_a_label_has_one_text() -> None:
    assert [label_text(label) for label in (True, 0.5, 2)] == ["true", "0.5", "2"]
