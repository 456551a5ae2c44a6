"""Of the archives that the client keeps of what it sends, the latest stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from comet_server.server import CometServer

from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker


def test_the_twenty_latest_archives_stay(settings: TrackerSettings, comet_server: CometServer) -> None:
    journal = settings.directory / "journal"
    journal.mkdir(parents=True)
    for number in range(23):
        path: Path = journal / f"{number:02d}.zip"
        path.touch()
        os.utime(path, (1_700_000_000 + number,) * 2)

    open_tracker(settings)

    assert sorted(path.name for path in journal.iterdir()) == [f"{number:02d}.zip" for number in range(3, 23)]


def test_without_a_journal_nothing_is_removed(settings: TrackerSettings, comet_server: CometServer) -> None:
    assert open_tracker(settings).mode == "online"


def test_an_archive_that_another_process_removes_meanwhile_is_gone_and_no_error(
    settings: TrackerSettings, comet_server: CometServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = settings.directory / "journal"
    journal.mkdir(parents=True)
    listed = [journal / f"{number:02d}.zip" for number in range(22)]
    for path in listed[1:]:
        path.touch()
    monkeypatch.setattr(Path, "glob", lambda *_: iter(listed))

    open_tracker(settings)

    assert sorted(journal.iterdir()) == listed[2:]
