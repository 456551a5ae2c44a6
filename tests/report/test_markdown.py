from __future__ import annotations

import pytest

from mltrain.report.markdown import code, number, table, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a*b_c", r"a\*b\_c"), ("<script>", "&lt;script&gt;"), ("a\n b", "a b"), ("x|y", r"x\|y"), (3, "3")],
)
def test_text_is_shown_as_it_is(value, expected):
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("x|y", "`x|y`"),
        ("", "(empty)"),
        (None, "`None`"),
    ],
)
def test_code_survives_back_ticks_and_pipes(value, expected):
    assert code(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, "0.5000"),
        (0.0, "0.0000"),
        (1e-5, "1e-05"),
        (123456.0, "1.235e+05"),
        (-0.25, "-0.2500"),
        (float("nan"), "not defined"),
    ],
)
def test_number_has_a_readable_length(value, expected):
    assert number(value) == expected


def test_table_without_rows_is_nothing():
    assert table(["a"], []) == ""


def test_pipe_inside_a_cell_does_not_end_it():
    assert table([code("a|b")], [[text("c|d")]]).splitlines() == ["| `a\\|b` |", "| --- |", "| c\\|d |"]
