from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.config.reading import read_document, read_value
from mltrain.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 0.0001),
        ("1E5", 100000.0),
        ("Yes", "Yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("010", 10),
        ("0x1F", 31),
        ("1_000", 1000),
        ("~", None),
        ("", None),
        ("2024-02-29", date(2024, 2, 29)),
        ("2024-02-29 10:30:00", datetime(2024, 2, 29, 10, 30)),
        ("12:30:45", "12:30:45"),
        ("'3'", "3"),
        ("*.csv", "*.csv"),
        ("@home", "@home"),
        ("a: b: c", "a: b: c"),
        ("[1, [2, x]]", [1, [2, "x"]]),
        ("{a: {b: null}}", {"a": {"b": None}}),
    ],
)
def test_value_is_read_as_yaml_1_2(text, value):
    read = read_value(text, origin="--set x")

    assert read == value
    assert type(read) is type(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("aZ1 é:#", max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=8,
    )
)  # fmt: skip
def test_json_reads_as_itself(value):
    assert read_value(json.dumps(value), origin="--set x") == value


def test_lines_of_keys_and_items_are_noted():
    document = read_document("a: 1\n\nb:\n  - x\n  - c: 2\n", origin="f")

    assert document.values == {"a": 1, "b": ["x", {"c": 2}]}
    assert document.lines == {("a",): 1, ("b",): 3, ("b", 0): 4, ("b", 1): 5, ("b", 1, "c"): 5}


def test_anchors_and_merges_are_followed():
    document = read_document("a: &x {k: 1, on: &t true}\nb:\n  <<: *x\n  l: *t\n", origin="f")

    assert document.values["b"] == {"k": 1, "on": True, "l": True}
    assert document.values["b"]["l"] is True


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_empty_text_is_an_empty_mapping(text):
    assert read_document(text, origin="f").values == {}


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a:\n  b: 1\n\tc: 2\n", "f:3", "a tab stands where YAML wants spaces"),
        ("a: 1\nb: 2\na: 3\n", "f:3", "key 'a' stands twice in one section"),
        ("a: b: c\n", "f:1", "bad YAML: mapping values are not allowed here"),
        ("a: [1\nb: 2\n", "f:2", "bad YAML: expected ',' or ']', but got ':'"),
        ("a: 1\n---\nb: 1\n", "f:2", "a second document starts here"),
        ("a: 1\nb: \x00\n", "f:2", "character 0x00 is not allowed in YAML"),
        ("a: !include b.yaml\n", "f:1 a", "YAML tags and sets are not used in the config"),
        ("- a\n", "f", "the config must be sections with keys, got a list"),
        ("hello\n", "f", "the config must be sections with keys, got 'hello'"),
        ("a: {2020: x}\n", "f:1 a.2020", "key 2020 is not text"),
        ("a: {[1]: x}\n", "f:1 a.(1,)", "key (1,) is not text"),
    ],
)
def test_bad_yaml_is_told_by_line(text, where, message):
    with pytest.raises(ConfigError) as caught:
        read_document(text, origin="f")

    assert (caught.value.where, caught.value.message) == (where, message)


def test_python_objects_are_not_made():
    with pytest.raises(ConfigError):
        read_document("a: !!python/object/apply:os.getcwd []\n", origin="f")
