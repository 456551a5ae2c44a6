"""The contract suite over Comet: offline, and online with the real client against the stand-in."""

from __future__ import annotations

import pytest
from comet_server.server import CometServer

from mltrain.testing.tracker import TrackerContract
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.comet import open_tracker

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class TestOffline(TrackerContract):
    @pytest.fixture
    def tracker(self, settings: TrackerSettings) -> Tracker:
        tracker = open_tracker(settings)
        assert tracker.mode == "offline: no key"
        return tracker


class TestOnline(TrackerContract):
    @pytest.fixture
    def tracker(self, settings: TrackerSettings, comet_server: CometServer) -> Tracker:
        tracker = open_tracker(settings)
        assert tracker.mode == "online"
        return tracker
