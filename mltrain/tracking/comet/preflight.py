"""Online or offline: decided once, before the client is imported, by the key and one short question.

The client itself would wait half a minute for a dead server and then drop everything in silence.
"""

from __future__ import annotations

import http.client
import logging
import urllib.request
from functools import partial
from typing import Literal, TypeAlias

from mltrain.errors import TrackerError
from mltrain.redaction import without_secrets
from mltrain.tracking.comet.client_settings import has_key, server_url
from mltrain.tracking.waiting import within

logger = logging.getLogger(__name__)

Mode: TypeAlias = Literal["online", "offline: no key", "offline: server unreachable"]


def choose_mode(timeout_s: float = 3.0) -> Mode:
    """Return how this process can talk to Comet."""
    if not has_key():
        return "offline: no key"
    return "online" if _is_alive(timeout_s) else "offline: server unreachable"


def _is_alive(timeout_s: float) -> bool:
    """Ask the server for its version."""
    root = server_url()
    url = root.rstrip("/") + "/isAlive/ver"
    if not url.startswith(("http://", "https://")):
        return False
    try:
        return within(timeout_s, partial(_says_its_version, url, timeout_s))
    except TrackerError as error:
        logger.info("comet does not answer at %s: %s", without_secrets(root), error.message)
        return False
    except (OSError, ValueError, http.client.HTTPException) as error:
        logger.info("comet does not answer at %s: %s", without_secrets(root), error)
        return False


def _says_its_version(url: str, timeout_s: float) -> bool:
    """Wait for the whole answer; the time-out of a socket is that of each of its parts."""
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - scheme checked above
        return bool(answer.status == 200)
