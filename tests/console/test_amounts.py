from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.console.amounts import duration_text, parse_duration, score_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("180s", 180),
        ("10m", 600),
        ("1h30m", 5400),
        ("90", 90),
        ("0.5", 0.5),
        ("1h", 3600),
        ("2min", 120),
        ("1H 5s", 3605),
    ],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "x", "10 minutes", "-5", "0", "0s", "1h30", "5m2h", "1e3", "inf", "nan", "10m10m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|above zero"):
        parse_duration(text)


@given(hours=st.integers(0, 99), minutes=st.integers(0, 99), seconds=st.integers(1, 99))
def test_units_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3720, "1 h 02 min"),
        (-1, "0.0 s"),
    ],
)
def test_durations_as_people_read_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_score_that_is_missing_is_a_dash() -> None:
    assert [score_text(s) for s in (None, float("nan"), 0.91234, -1.0)] == ["-", "-", "0.9123", "-1.0000"]
