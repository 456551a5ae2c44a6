# ruff: noqa: D102 - tests are named by behaviour
"""What the trackers' contract says of files and models: they come back as they were logged."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from mltrain.errors import TrackerError
from mltrain.testing.tracker_material import TREE, finished_run, read_tree, write_tree
from mltrain.tracking import Tracker


class FilesContract:
    """Tests of what a run keeps in files; `mltrain.testing.tracker.TrackerContract` holds them too."""

    def test_files_come_back_under_their_names(self, tracker: Tracker, tmp_path: Path) -> None:
        source = tmp_path / "source.bin"
        run = tracker.start_run("files")
        names = ["trials.bin", "figures/roc kurve é.bin", "evaluation/figures/pr.bin"]
        for name in names:
            source.write_bytes(name.encode() * 100)
            own = tmp_path / f"{uuid.uuid4().hex}.bin"
            own.write_bytes(source.read_bytes())
            run.log_file(own, name)
        run.finish()

        for number, name in enumerate(names):
            dest = tmp_path / "fetched" / str(number) / "anything.bin"
            assert tracker.fetch_file(run.id, name, dest) == dest
            assert dest.read_bytes() == name.encode() * 100

    def test_a_file_logged_again_is_replaced(self, tracker: Tracker, tmp_path: Path) -> None:
        run = tracker.start_run("replace")
        for number, content in enumerate(["old", "new"]):
            path = tmp_path / f"{number}.txt"
            path.write_text(content)
            run.log_file(path, "note.txt")
            time.sleep(0.01)  # trackers order by milliseconds
        run.finish()

        assert tracker.fetch_file(run.id, "note.txt", tmp_path / "note").read_text() == "new"

    def test_a_model_directory_comes_back_byte_for_byte(self, tracker: Tracker, tmp_path: Path) -> None:
        run = finished_run(tracker, model=write_tree(tmp_path / "model"))

        fetched = tracker.fetch_model(run.id, tmp_path / "there" / "fetched")

        assert fetched == tmp_path / "there" / "fetched"
        assert read_tree(fetched) == TREE

    def test_models_of_one_run_are_kept_apart(self, tracker: Tracker, tmp_path: Path) -> None:
        run = tracker.start_run("models")
        run.log_model(write_tree(tmp_path / "a"), "first")
        run.log_model(write_tree(tmp_path / "b", extra={"second": b"2"}), "second")
        run.finish()

        assert read_tree(tracker.fetch_model(run.id, tmp_path / "1", "first")) == TREE
        assert read_tree(tracker.fetch_model(run.id, tmp_path / "2", "second")) == {**TREE, "second": b"2"}

    @pytest.mark.parametrize("name", ["../escape.txt", "/escape.txt", "a/../../escape.txt", ""])
    def test_a_name_that_leads_out_is_refused(self, tracker: Tracker, tmp_path: Path, name: str) -> None:
        path = tmp_path / "note.txt"
        path.write_text("x")
        run = tracker.start_run("names")

        with pytest.raises(TrackerError):
            run.log_file(path, name)
        run.finish()
