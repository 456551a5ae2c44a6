"""Comet's archives as runs: what is left out, what is read and how often."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.comet import archives, open_tracker

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_an_open_or_broken_archive_is_left_out(settings: TrackerSettings) -> None:
    tracker = open_tracker(settings)
    run = tracker.start_run("whole")
    run.finish()
    (settings.directory / "broken.zip").write_bytes(b"PK\x03\x04 cut short")
    with zipfile.ZipFile(settings.directory / "placeholder.zip", "w"):
        pass

    assert [i.id for i in tracker.list_runs()] == [run.id]
    with pytest.raises(NoRunError):
        tracker.get_run("placeholder")


def test_an_archive_cannot_write_outside_the_destination(settings: TrackerSettings, tmp_path: Path) -> None:
    settings.directory.mkdir(parents=True)
    upload = {
        "upload_type": "model-element",
        "file_path": "m",
        "additional_params": {"fileName": "../../escape", "groupingName": "model"},
    }
    with zipfile.ZipFile(settings.directory / "k.zip", "w") as archive:
        archive.writestr("experiment.json", json.dumps({"offline_id": "k", "start_time": 1}))
        archive.writestr("messages.json", json.dumps({"type": "file_upload", "payload": upload}))
        archive.writestr("m", "evil")

    with pytest.raises(TrackerError):
        open_tracker(settings).fetch_model("k", tmp_path / "deep" / "dest")

    assert not list(tmp_path.rglob("escape"))


def _write(settings: TrackerSettings, key: str, *, name: str = "", score: float = 0.5) -> Path:
    """Write an archive as Comet's client does."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    path = settings.directory / (name or f"{key}.zip")
    messages = [
        {"type": "metric_msg", "payload": {"metric": {"metricName": m, "metricValue": score, "step": 1}}}
        for m in ("validation_score", "trial_score")
    ]
    messages.append({"type": "log_other", "payload": {"key": "session", "value": "s"}})
    messages.append({"type": "parameter_msg", "payload": {"param": {"paramName": "depth", "paramValue": 3}}})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("experiment.json", json.dumps({"offline_id": key, "start_time": 1}))
        archive.writestr("messages.json", "\n".join(map(json.dumps, messages)))
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the archives that are read, as they are read."""
    names: list[str] = []
    read_archive = archives._read_archive

    def counted(archive: zipfile.ZipFile, path: Path, runs: dict[str, archives.ArchivedRun]) -> None:
        names.append(path.name)
        read_archive(archive, path, runs)

    monkeypatch.setattr(archives, "_read_archive", counted)
    return names


def _scores(tracker: Tracker) -> dict[str, float]:
    return {i.id: i.metrics["validation_score"] for i in tracker.list_runs({"session": "s"})}


def test_an_archive_is_read_once_for_all_lists_until_it_changes(settings: TrackerSettings, read: list[str]) -> None:
    for key in ("a", "b", "c"):
        _write(settings, key)
    assert _scores(open_tracker(settings)) == dict.fromkeys("abc", 0.5)
    assert sorted(read) == ["a.zip", "b.zip", "c.zip"]
    read.clear()

    assert _scores(open_tracker(settings)) == dict.fromkeys("abc", 0.5)
    assert read == []

    _write(settings, "b", score=0.625)
    (settings.directory / "c.zip").unlink()
    assert _scores(open_tracker(settings)) == {"a": 0.5, "b": 0.625}
    assert read == ["b.zip"]


def test_one_run_costs_its_own_archives_alone(settings: TrackerSettings, read: list[str]) -> None:
    for number, name in enumerate(["a.zip", "a-later.zip", "b.zip", "renamed.zip"]):
        path = _write(settings, "c" if name == "renamed.zip" else name[0], name=name, score=number / 8)
        os.utime(path, ns=(number * 10**9, number * 10**9))
    tracker = open_tracker(settings)
    tracker.list_runs()
    read.clear()

    assert tracker.get_run("a").metrics == {"validation_score": 0.125, "trial_score": 0.125}
    assert read == ["a.zip", "a-later.zip"]
    assert tracker.metric_history("c", "trial_score") == [(1, 0.375)]
    assert read[2:] == ["renamed.zip"]
    for unknown in ("*", "../a", "/a", ""):
        with pytest.raises(NoRunError):
            tracker.get_run(unknown)


@pytest.mark.parametrize("content", ["", "[]", '{"a.zip": 1}', '{"a.zip": {"size": 1, "unheard_of": 2}}', "\0"])
def test_an_index_that_is_broken_is_made_anew(settings: TrackerSettings, content: str) -> None:
    _write(settings, "a")
    (settings.directory / "index.json").write_text(content)
    tracker = open_tracker(settings)

    assert _scores(tracker) == {"a": 0.5}
    assert json.loads((settings.directory / "index.json").read_text())["a.zip"]["key"] == "a"


def test_a_folder_that_cannot_be_written_can_be_read(
    settings: TrackerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(settings, "a")
    (settings.directory / "index.json").mkdir()

    assert _scores(open_tracker(settings)) == {"a": 0.5}
