"""Stdout is for results: nothing else reaches it while a command works."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mltrain.console.document import document


@contextmanager
def reserved_stdout() -> Iterator[None]:
    """Send to stderr whatever is printed inside the block, compiled libraries included."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # a parent closed the descriptors: there is nothing to protect
        yield
        return
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def show(command: str, outcome: object, *, as_json: bool) -> None:
    """Print a result record: as one JSON document, or as tables.

    A reader that went away, such as ``head``, ends the output quietly.
    """
    with _quiet_when_nobody_reads():
        if as_json:
            sys.stdout.write(document(command, outcome) + "\n")
        else:
            from mltrain.console.render import render  # noqa: PLC0415 - brings Rich

            render(outcome)
        sys.stdout.flush()


@contextmanager
def _quiet_when_nobody_reads() -> Iterator[None]:
    """Swallow a broken pipe, now and when Python flushes stdout at exit."""
    try:
        yield
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
