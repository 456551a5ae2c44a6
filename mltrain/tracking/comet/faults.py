"""Comet's failures as our errors: what it raises, and what it only writes to its log. Never shows a key."""

from __future__ import annotations

import logging
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from mltrain.errors import TrackerError
from mltrain.tracking.comet.environment import import_comet

_HINT = "check COMET_API_KEY and the connection; 'mltrain runs sync' sends what is spooled"


@contextmanager
def as_tracker_errors(what: str) -> Iterator[None]:
    """Turn what the client raises inside the block into a TrackerError.

    Parameters
    ----------
    what : str
        What was being done, such as "start a run".
    """
    comet = import_comet()
    import requests  # noqa: PLC0415 - the client has imported it

    refused = (comet.exceptions.InvalidAPIKey, comet.exceptions.Unauthorized)
    raised = (
        *(comet.exceptions.CometException, requests.RequestException, ValueError, OSError),
        *(zipfile.BadZipFile, zlib.error, EOFError),  # something else came instead of a model
        *(TypeError, AttributeError, LookupError),  # so the client reads an answer that is not the service's
    )
    try:
        yield
    except refused:
        # What the client says shows the key's beginning.
        raise TrackerError(f"comet could not {what}: it does not accept the API key", hint=_HINT) from None
    except raised as error:
        reason = redacted(str(error)) or type(error).__name__
        raise TrackerError(f"comet could not {what}: {reason}", hint=_HINT) from None  # the cause may hold the key


def redacted(text: str) -> str:
    """Return the first line of a text without the key and without anything in its place."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    for key in sorted(_known_keys(), key=len, reverse=True):
        line = line.replace(key, "***")
    return line


def _known_keys() -> set[str]:
    """Return the keys of the environment and, through the client, of its files; of a long one also what begins it."""
    keys = {os.environ.get("COMET_API_KEY", "").strip()}
    comet = sys.modules.get("comet_ml")
    if comet is not None:
        keys.add(str(comet.config.get_config()["comet.api_key"] or "").strip())
    return (keys | {key.partition("*")[0] for key in keys}) - {""}


class LossListener(logging.Handler):
    """Collects the errors that the client logs instead of raising."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.losses: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep errors, and the warning that a clean-up was cut short."""
        text = redacted(record.getMessage())
        if record.levelno >= logging.ERROR or "incomplete" in text:
            self.losses.append(text)

    def __enter__(self) -> LossListener:
        logging.getLogger("comet_ml").addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.getLogger("comet_ml").removeHandler(self)
