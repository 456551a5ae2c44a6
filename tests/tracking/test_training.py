"""What a kept candidate tells the tracker."""

from __future__ import annotations

from pathlib import Path

from mltrain.tracking import TrackerSettings
from mltrain.tracking.local import open_tracker
from mltrain.tracking.records import FILE_NAME, read_records
from mltrain.tracking.training import log_candidate


def test_files_that_the_sender_is_writing_are_not_of_the_run(tmp_path: Path) -> None:
    run = open_tracker(TrackerSettings(project="p", workspace=None, directory=tmp_path, options={})).start_run("r")
    folder = tmp_path / run.id
    for name in ("run.json", "sync.json", ".59d96290-sync.json", "figures/roc.png", "figures/.1-roc.png", "model/m"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")

    log_candidate(run, folder, params={}, metrics={}, tags={})

    records = list(read_records(folder / FILE_NAME))
    assert [r.name for r in records if r.kind == "file"] == ["figures/roc.png", "run.json"]
    assert [r.name for r in records if r.kind == "model"] == ["model"]
