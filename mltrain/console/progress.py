"""Progress on stderr: a live display on a terminal, plain lines elsewhere, nothing with ``-q``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mltrain.console.plain import PlainLines
from mltrain.events import Listener, ignore


@contextmanager
def shown(verbosity: int) -> Iterator[Listener]:
    """Give a listener that shows events for the length of the block.

    Parameters
    ----------
    verbosity : int
        -1 shows nothing.
    """
    if verbosity < 0:
        yield ignore
    elif sys.stderr.isatty():
        from mltrain.console import logs  # noqa: PLC0415 - a display alone needs it
        from mltrain.console.live import LiveDisplay  # noqa: PLC0415 - brings Rich

        with LiveDisplay() as display, logs.shown_by(display.say):
            yield display.show
    else:
        yield PlainLines(sys.stderr).show
