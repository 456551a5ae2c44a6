"""A bounded wait: what the call returns or raises comes through, and nothing else is called a time-out."""

from __future__ import annotations

import threading

import pytest

from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking.waiting import within


def _raise(error: BaseException) -> None:
    raise error


def test_the_answer_comes_through() -> None:
    assert within(5.0, lambda: 7) == 7


@pytest.mark.parametrize("error", [NoRunError("gone"), ValueError("broken"), KeyError("x"), SystemExit(3)])
def test_whatever_is_raised_comes_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        within(5.0, lambda: _raise(error))

    assert caught.value is error


def test_no_answer_in_time_is_a_tracker_error() -> None:
    release = threading.Event()

    with pytest.raises(TrackerError, match=r"no answer within 0\.05 s"):
        within(0.05, lambda: release.wait(10))
    release.set()
