"""Overrides of single keys, and how they are written."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.config.overrides import option_text, parse_override

COLUMN_NAMES = st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["C"]), max_size=12)
NUMBERS = st.integers(-(2**31), 2**31) | st.floats(-1e6, 1e6).map(lambda x: round(x, 6))
VALUES = st.none() | st.booleans() | NUMBERS | COLUMN_NAMES | st.lists(COLUMN_NAMES, max_size=3)


@given(VALUES)
def test_an_option_that_is_shown_gives_the_value_back(value: Any) -> None:
    dashes, text = shlex.split(option_text("split.group_column", value))

    assert dashes == "--set"
    assert parse_override(text).value == value


@pytest.mark.parametrize(
    "value", ["", "1", "null", "true", "2024-07-01", "a: b", "*.parquet", "it's", "#no", " x", "[a", '"a', "{"]
)
def test_text_that_yaml_would_take_for_something_else_stays_text(value: str) -> None:
    found = parse_override(shlex.split(option_text("data.source", value))[1]).value

    assert (found, type(found)) == (value, str)
