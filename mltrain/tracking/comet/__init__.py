"""Comet: online with a key and a server that answers, offline in archives without.

Importing this package does not import Comet's client; opening a run or asking the server does.
"""

from __future__ import annotations

from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.comet.journal import JOURNAL, prune
from mltrain.tracking.comet.offline import OfflineTracker
from mltrain.tracking.comet.online import OnlineTracker
from mltrain.tracking.comet.preflight import choose_mode


def open_tracker(settings: TrackerSettings) -> Tracker:
    """Return the tracker that fits the key and the network."""
    mode = choose_mode()
    if mode == "online":
        prune(settings.directory / JOURNAL)
        return OnlineTracker(settings)
    return OfflineTracker(settings, mode)
