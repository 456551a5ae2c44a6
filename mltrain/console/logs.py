"""Logging and warnings: the only place that configures handlers.

Our own log goes to stderr, as much of it as ``-v`` and ``-q`` ask for. What libraries warn about never
reaches the screen as raw text: it is kept in ``runs/mltrain.log`` once there is a ``runs`` folder.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

_MAX_BYTES = 5_000_000
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure(verbosity: int, file: Path) -> None:
    """Route our log to stderr and everybody's warnings to a file.

    Parameters
    ----------
    verbosity : int
        -1 errors only, 0 warnings, 1 information, 2 everything.
    file : Path
        Takes what everybody else has to say; nothing is written while its folder is missing.
    """
    level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    ours = logging.getLogger("mltrain")
    everybody = logging.getLogger()
    screen = logging.StreamHandler()
    screen.setFormatter(logging.Formatter("%(message)s"))
    screen.setLevel(level)
    record = _WhenThereIsAFolder(file, maxBytes=_MAX_BYTES, backupCount=1, delay=True, encoding="utf-8")
    record.setFormatter(logging.Formatter(_FORMAT))
    ours.setLevel(min(level, logging.INFO))
    _replace_handlers(ours, screen)
    _replace_handlers(everybody, record)
    logging.captureWarnings(capture=True)


@contextmanager
def shown_by(say: Callable[[str], None]) -> Iterator[None]:
    """Let a display show our log while the block lasts: a line written past it would be drawn over.

    Parameters
    ----------
    say : callable
        Shows one message.
    """
    screens = [h for h in logging.getLogger("mltrain").handlers if isinstance(h, logging.StreamHandler)]
    before = [screen.setStream(_Spoken(say)) for screen in screens]
    try:
        yield
    finally:
        for screen, stream in zip(screens, before, strict=True):
            screen.setStream(stream)


class _Spoken(io.TextIOBase):
    """A stream whose lines a display shows."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def write(self, text: str) -> int:
        """Show a message."""
        self._say(text.removesuffix("\n"))
        return len(text)


def _replace_handlers(logger: logging.Logger, handler: logging.Handler) -> None:
    """Attach a handler in place of the one that an earlier call attached."""
    for old in [h for h in logger.handlers if h.get_name() == "mltrain"]:
        logger.removeHandler(old)
        old.close()
    handler.set_name("mltrain")
    logger.addHandler(handler)


class _WhenThereIsAFolder(RotatingFileHandler):
    """Writes to its file only where a command has made the folder; ``mltrain doctor`` leaves no trace."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or drop it."""
        if Path(self.baseFilename).parent.is_dir():
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Drop what cannot be written: a full disk must not fill the screen with tracebacks."""
        del record
