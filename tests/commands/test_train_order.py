"""In which order families are kept once they are searched."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Timer
from types import SimpleNamespace
from typing import Any

from mltrain.commands.train.families import _turns


def _pending(*ended: str) -> dict[str, Any]:
    """Return three families with a refit, of which some have ended, and one without."""
    pending: dict[str, Any] = {name: SimpleNamespace(refit=Future()) for name in ("long", "short", "shorter")}
    for name in ended:
        pending[name].refit.set_result(None)
    return pending | {"none": SimpleNamespace(refit=None)}


def test_who_has_no_refit_to_wait_for_is_kept_first_then_those_whose_refits_end_first() -> None:
    pending = _pending("shorter")
    turns = _turns(pending, waits_for_refits=True)

    assert [next(turns), next(turns)] == [["shorter"], ["none"]]

    Timer(0.1, pending["short"].refit.set_result, [None]).start()
    assert next(turns) == ["short"]
    pending["long"].refit.set_result(None)
    assert list(turns) == [["long"]]


def test_a_refit_that_failed_has_ended_too() -> None:
    pending = _pending("short", "shorter")
    pending["long"].refit.set_exception(ValueError("no"))

    assert list(_turns(pending, waits_for_refits=True)) == [["long"], ["short"], ["shorter"], ["none"]]


def test_without_refits_all_are_kept_together() -> None:
    assert list(_turns(_pending(), waits_for_refits=False)) == [["long", "short", "shorter", "none"]]
