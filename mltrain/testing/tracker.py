# ruff: noqa: D102 - tests are named by behaviour
"""The contract that every tracker keeps, as tests for its author to inherit.

Examples
--------
>>> class TestMyTracker(TrackerContract):
...     @pytest.fixture
...     def tracker(self, tmp_path):
...         return open_tracker(
...             TrackerSettings(project="p", workspace=None, directory=tmp_path, options={})
...         )
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from mltrain.errors import NoRunError, TrackerError
from mltrain.testing.tracker_files import FilesContract
from mltrain.testing.tracker_material import finished_run
from mltrain.testing.tracker_registry import RegistryContract
from mltrain.tracking import Tracker

_UNKNOWN = "0123456789abcdef0123456789abcdef"


class TrackerContract(FilesContract, RegistryContract):
    """Tests of one tracker; a subclass named ``Test…`` gives the fixture ``tracker``, fresh for each test."""

    @pytest.fixture
    def tracker(self) -> Tracker:
        """Return an empty tracker; to be overridden."""
        raise NotImplementedError("override the fixture 'tracker'")

    def test_is_a_tracker_with_a_name_and_a_mode(self, tracker: Tracker) -> None:
        assert isinstance(tracker, Tracker)
        assert tracker.name
        assert tracker.mode

    def test_params_come_back_as_text(self, tracker: Tracker) -> None:
        run = tracker.start_run("params")
        run.log_params({"text": "gini", "whole": 31, "number": 0.05, "yes": True, "none": None, "a[b]": "c|d"})
        run.log_params({"later": -1})
        run.finish()

        params = tracker.get_run(run.id).params

        assert params == {
            "text": "gini",
            "whole": "31",
            "number": "0.05",
            "yes": "True",
            "none": "None",
            "a[b]": "c|d",
            "later": "-1",
        }

    def test_metric_history_keeps_steps_values_and_order(self, tracker: Tracker) -> None:
        run = tracker.start_run("history")
        values = [0.5, 0.625, 0.5625, -1e-9, 12345.678901]
        for step, value in enumerate(values):
            run.log_metrics({"score": value, "f1@0.5": step / 8}, step=step)
            time.sleep(0.002)  # trackers order by milliseconds
        run.finish()

        assert list(tracker.metric_history(run.id, "score")) == list(enumerate(values))
        assert list(tracker.metric_history(run.id, "f1@0.5")) == [(i, i / 8) for i in range(5)]
        assert tracker.get_run(run.id).metrics == {"score": values[-1], "f1@0.5": 0.5}

    def test_every_point_of_hundreds_of_trials_arrives(self, tracker: Tracker) -> None:
        run = tracker.start_run("trials")
        for step in range(300):
            run.log_metrics({f"metric_{number}": step + number / 16 for number in range(10)}, step=step)
        run.finish()

        for number in range(0, 10, 9):
            points = tracker.metric_history(run.id, f"metric_{number}")
            assert sorted(points, key=lambda p: p[0] or 0) == [(s, s + number / 16) for s in range(300)]

    def test_a_metric_without_a_step_does_not_inherit_one(self, tracker: Tracker) -> None:
        run = tracker.start_run("steps")
        run.log_metrics({"loss": 1.0}, step=7)
        run.log_metrics({"validation_score": 0.75})
        run.finish()

        ((step, value),) = tracker.metric_history(run.id, "validation_score")

        assert step in (None, 0)
        assert value == 0.75

    def test_a_metric_that_was_never_logged_has_no_history(self, tracker: Tracker) -> None:
        run = finished_run(tracker)

        assert list(tracker.metric_history(run.id, "nothing")) == []

    def test_numbers_that_are_not_finite_are_left_out(self, tracker: Tracker) -> None:
        run = tracker.start_run("finite")
        run.log_metrics({"good": 1.0, "bad": float("nan"), "worse": float("inf")})
        run.finish()

        assert tracker.get_run(run.id).metrics == {"good": 1.0}

    def test_tags_are_overwritten_and_keep_unicode_and_length(self, tracker: Tracker) -> None:
        run = tracker.start_run("tags", {"team": "Zürich", "long": "x" * 900})
        run.set_tags({"team": "東京 \"and\" 'more'", "extra": "1"})
        run.finish()

        tags = tracker.get_run(run.id).tags

        assert tags == {"team": "東京 \"and\" 'more'", "long": "x" * 900, "extra": "1"}

    def test_a_run_keeps_its_name(self, tracker: Tracker) -> None:
        assert tracker.get_run(finished_run(tracker, name="lgbm-20260101T000000").id).name == "lgbm-20260101T000000"

    @pytest.mark.parametrize("status", ["finished", "failed"])
    def test_status_is_how_the_run_ended(self, tracker: Tracker, status: Literal["finished", "failed"]) -> None:
        run = tracker.start_run("status")
        run.log_metrics({"score": 1.0})

        run.finish(status)

        assert tracker.get_run(run.id).status == status

    def test_finish_is_idempotent_and_the_first_word_counts(self, tracker: Tracker) -> None:
        run = tracker.start_run("twice")
        run.finish("failed")
        run.finish("finished")

        assert tracker.get_run(run.id).status == "failed"

    def test_a_finished_run_takes_nothing_more(self, tracker: Tracker) -> None:
        run = finished_run(tracker)

        with pytest.raises(TrackerError):
            run.log_metrics({"late": 1.0})

    def test_runs_are_listed_by_tags_newest_first(self, tracker: Tracker) -> None:
        ids = [
            finished_run(tracker, tags={"session": session, "kind": "training"}).id
            for session in ("one", "two", "one", "one")
        ]

        found = tracker.list_runs({"session": "one", "kind": "training"})
        newest = tracker.list_runs({"kind": "training"}, limit=2)

        assert [i.id for i in found] == [ids[3], ids[2], ids[0]]
        assert [i.id for i in newest] == [ids[3], ids[2]]
        assert tracker.list_runs({"session": "nobody's"}) == []
        assert tracker.list_runs({"no_such_tag": "x"}) == []
        assert {i.id for i in tracker.list_runs()} == set(ids)

    def test_the_limit_counts_runs_that_carry_the_tags(self, tracker: Tracker) -> None:
        value = 'it\'s "both"'
        wanted = [finished_run(tracker, tags={"team": value, "kind": "training"}).id for _ in range(2)]
        for _ in range(2):
            finished_run(tracker, tags={"team": "another", "kind": "training"})

        assert [i.id for i in tracker.list_runs({"kind": "training", "team": value}, limit=1)] == [wanted[1]]

    def test_a_listed_run_equals_the_run(self, tracker: Tracker) -> None:
        run = tracker.start_run("equal", {"session": "s"})
        run.log_params({"depth": 7, "eta": 0.1})
        run.log_metrics({"score": 0.25}, step=1, time_ms=1_700_000_000_000)
        run.log_metrics({"score": 0.5}, step=2)
        run.log_metrics({"trial_score": 0.75, "system.cpu_percent": 3.5}, step=2)
        run.finish()

        (listed,) = tracker.list_runs({"session": "s"})
        told = tracker.get_run(run.id)

        series = {"trial_score": 0.75, "system.cpu_percent": 3.5}  # a list may leave them out
        assert told.metrics == {"score": 0.5} | series
        assert replace(listed, metrics={**series, **listed.metrics}) == told
        assert abs(listed.started_ms - time.time() * 1000) < 120_000

    def test_resume_adds_to_a_run(self, tracker: Tracker, tmp_path: Path) -> None:
        first = tracker.start_run("resumed", {"stage": "train"})
        first.log_metrics({"validation_score": 0.5})
        first.finish()
        started_ms = tracker.get_run(first.id).started_ms
        card = tmp_path / "card.md"
        card.write_text("# card")

        second = tracker.resume_run(first.id)
        second.log_metrics({"test_score": 0.75})
        second.set_tags({"stage": "evaluate"})
        second.log_file(card, "evaluation/card.md")
        second.finish()

        info = tracker.get_run(first.id)
        assert second.id == first.id
        assert info.metrics == {"validation_score": 0.5, "test_score": 0.75}
        assert info.tags["stage"] == "evaluate"
        assert info.name == "resumed"
        assert info.status == "finished"
        assert info.started_ms == started_ms
        assert tracker.fetch_file(first.id, "evaluation/card.md", tmp_path / "c").read_text() == "# card"

    def test_what_is_unknown_is_no_run_error(self, tracker: Tracker, tmp_path: Path) -> None:
        run = finished_run(tracker)

        with pytest.raises(NoRunError):
            tracker.get_run(_UNKNOWN)
        with pytest.raises(NoRunError):
            tracker.resume_run(_UNKNOWN)
        with pytest.raises(NoRunError):
            tracker.metric_history(_UNKNOWN, "score")
        with pytest.raises(NoRunError):
            tracker.fetch_file(run.id, "nothing.txt", tmp_path / "f")
        with pytest.raises(NoRunError):
            tracker.fetch_model(run.id, tmp_path / "m")

    def test_threads_may_share_a_run(self, tracker: Tracker) -> None:
        run = tracker.start_run("threads")

        def log(worker: int) -> None:
            for step in range(50):
                run.log_metrics({f"worker_{worker}": step / 2}, step=step)

        threads = [threading.Thread(target=log, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.finish()

        for worker in range(4):
            points = tracker.metric_history(run.id, f"worker_{worker}")
            assert sorted(points, key=lambda p: p[0] or 0) == [(s, s / 2) for s in range(50)]

    def test_runs_that_are_open_at_once_keep_apart(self, tracker: Tracker) -> None:
        names, ids = ("one", "two", "three"), dict[str, str]()
        are_open = threading.Barrier(len(names))

        def send(name: str) -> None:
            run = tracker.start_run(name, {"team": name})
            ids[name] = run.id
            are_open.wait(timeout=60)
            for step in range(20):
                run.log_metrics({"score": len(name) + step / 32}, step=step)
            run.finish()

        threads = [threading.Thread(target=send, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        for name in names:
            info = tracker.get_run(ids[name])
            points = sorted(tracker.metric_history(ids[name], "score"), key=lambda p: p[0] or 0)
            assert (info.name, info.tags["team"], info.status) == (name, name, "finished")
            assert points == [(s, len(name) + s / 32) for s in range(20)]

    def test_close_is_idempotent(self, tracker: Tracker) -> None:
        tracker.close()
        tracker.close()
