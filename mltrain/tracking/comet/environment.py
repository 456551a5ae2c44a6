"""Comet's client, imported late and on our terms.

Importing the client takes more than a second, patches other libraries, replaces the hook for unhandled
exceptions and may report errors to a third party; all of that is switched off here first.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from threading import Lock
from typing import Any

_IMPORTING = Lock()  # runs are opened in threads; what is put back afterwards is the process's
_ALWAYS = {
    "COMET_DISABLE_AUTO_LOGGING": "1",
    "COMET_ERROR_TRACKING_ENABLE": "false",
    "COMET_INTERNAL_REPORTING": "false",
    "COMET_LOGGING_CONSOLE": "CRITICAL",  # an invalid key would be printed in clear, into the sender's log
}
_UNLESS_SET = {
    "COMET_FALLBACK_STREAMER_KEEP_OFFLINE_ZIP": "true",  # an online run leaves a complete archive as well
    "COMET_TIMEOUT_CLEANING": "60",  # an hour otherwise
    "COMET_TIMEOUT_UPLOAD": "300",
    "COMET_GET_OR_ADD_EXPERIMENT_RETRY_TOTAL": "1",  # half a minute of silence otherwise
}


def import_comet() -> Any:
    """Return the module ``comet_ml``, quiet and with nothing patched."""
    os.environ.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        os.environ.setdefault(name, value)
    with _IMPORTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependencies, at import
        hook = sys.excepthook
        import comet_ml

        sys.excepthook = hook
    # Its console stays quiet by its own level; what it reports must reach our listener.
    logging.getLogger("comet_ml").setLevel(logging.WARNING)
    return comet_ml
