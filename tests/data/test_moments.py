"""Text as times, and what is said of text that is none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mltrain.data.moments import require_moments
from mltrain.errors import DataError


@pytest.mark.parametrize("position", [0, 7, 99])
def test_the_value_that_is_no_time_is_told_as_it_is_written(position: int) -> None:
    texts = ["2021-05-17"] * 100
    texts[position] = "17/05/2021"

    with pytest.raises(DataError, match=r"^'17/05/2021' is not a time$") as caught:
        require_moments(pa.chunked_array([texts]), where="column 'joined'")

    assert caught.value.where == "column 'joined'"
    assert str(caught.value.hint).startswith("write dates as ISO 8601 text, such as 2021-05-17")


def test_other_text_is_told_with_what_is_read() -> None:
    with pytest.raises(DataError, match=r"^'soon' is not a time$") as caught:
        require_moments(pa.chunked_array([["2021-05-17", "soon"]]), where="column 't'")

    assert "such as 2021-05-17" in str(caught.value.hint)


def test_a_time_beyond_what_nanoseconds_reach_is_too_far_away() -> None:
    far = pa.chunked_array([pa.array([0, 2**62], pa.timestamp("us"))])

    with pytest.raises(DataError, match=r"is too far away to be a time$"):
        require_moments(far, "ns", where="column 't'")
