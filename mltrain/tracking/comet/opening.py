"""Experiments side by side. The client remembers the latest that it started and ends it when the next one begins."""

from __future__ import annotations

from threading import Lock
from typing import Any

from mltrain.tracking.comet.environment import import_comet

_OPENING = Lock()


def start_experiment(**settings: Any) -> Any:
    """Start an experiment as ``comet_ml.start`` does, and leave those alone that are open in this process.

    Whoever opened an experiment ends it; the client then has none that it would end by itself at the next start.
    """
    with _OPENING:  # one that begins meanwhile would find this one remembered
        comet = import_comet()
        try:
            return comet.start(**settings)
        finally:
            comet.config.set_global_experiment(None)
