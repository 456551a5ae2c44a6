from __future__ import annotations

import pytest

from mltrain.console.wrapping import wrapped

INSTALL = "/home/someone/.venv/bin/python -m pip install 'sqlalchemy>=2.0.30' 'psycopg[binary]>=3.2'"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("the parameter was not tuned", ["the parameter was", "not tuned"]),
        ("see data.test_source.of.the.config now", ["see", "data.test_source.of.the.config", "now"]),
        ("then `mltrain runs sync` sends them", ["then", "`mltrain runs sync`", "sends them"]),
        ("'mltrain runs sync' sends them", ["'mltrain runs sync'", "sends them"]),
        ("the classes' shares and the rows' numbers", ["the classes' shares", "and the rows'", "numbers"]),
        (f"cannot be read; {INSTALL}", ["cannot be read;", INSTALL]),
        ("one\n  two", ["one", "  two"]),
    ],
)
def test_lines_end_between_words_and_commands_stay_whole(text: str, lines: list[str]) -> None:
    assert wrapped(text, 20) == lines


def test_further_lines_hang() -> None:
    assert wrapped("  hint: look at the file", 14, hanging=2) == ["  hint: look", "    at the", "    file"]
