from __future__ import annotations

import pytest

from mltrain.console.amounts import duration_text, score_text


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
