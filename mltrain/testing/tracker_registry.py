# ruff: noqa: D102 - tests are named by behaviour
"""The registry's half of the trackers' contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltrain.errors import NoRunError
from mltrain.testing.tracker_material import TREE, finished_run, read_tree, write_tree
from mltrain.tracking import Tracker


class RegistryContract:
    """Tests of a tracker's registry; `mltrain.testing.tracker.TrackerContract` holds them too."""

    def test_register_counts_up_and_overwrites_nothing(self, tracker: Tracker, tmp_path: Path) -> None:
        first = finished_run(tracker, model=write_tree(tmp_path / "a"))
        second = finished_run(tracker, model=write_tree(tmp_path / "b", extra={"second": b"2"}))

        one = tracker.register(first.id, "churn-model", tags={"score": "0.9"})
        two = tracker.register(second.id, "churn-model")
        three = tracker.register(first.id, "churn-model")

        known = tracker.versions("churn-model")
        assert [v.version for v in known] == [one.version, two.version, three.version]
        assert [v.run_id for v in known] == [first.id, second.id, first.id]
        assert len({v.version for v in known}) == 3
        assert read_tree(tracker.fetch_version("churn-model", one.version, tmp_path / "1")) == TREE
        fetched = read_tree(tracker.fetch_version("churn-model", two.version, tmp_path / "2"))
        assert fetched == {**TREE, "second": b"2"}

    def test_an_alias_has_one_holder(self, tracker: Tracker, tmp_path: Path) -> None:
        run = finished_run(tracker, model=write_tree(tmp_path / "model"))
        one, two = (tracker.register(run.id, "churn") for _ in range(2))

        assert tracker.get_alias("churn", "champion") is None
        tracker.set_alias("churn", "champion", one.version)
        tracker.set_alias("churn", "champion", two.version)
        tracker.set_alias("churn", "challenger", one.version)

        holder = tracker.get_alias("churn", "champion")
        assert holder is not None
        assert holder.version == two.version
        assert {v.version: set(v.aliases) for v in tracker.versions("churn")} == {
            one.version: {"challenger"},
            two.version: {"champion"},
        }
        with pytest.raises(NoRunError):
            tracker.set_alias("churn", "champion", "99")

    def test_an_unknown_name_has_no_versions(self, tracker: Tracker, tmp_path: Path) -> None:
        assert list(tracker.versions("never-registered")) == []
        assert tracker.get_alias("never-registered", "champion") is None
        with pytest.raises(NoRunError):
            tracker.fetch_version("never-registered", "1", tmp_path / "x")

    def test_a_version_may_be_of_any_model_of_its_run(self, tracker: Tracker, tmp_path: Path) -> None:
        run = tracker.start_run("models")
        run.log_model(write_tree(tmp_path / "a"), "model")
        run.log_model(write_tree(tmp_path / "b", extra={"second": b"2"}), "second")
        run.finish()

        version = tracker.register(run.id, "churn", model="second")

        fetched = tracker.fetch_version("churn", version.version, tmp_path / "fetched")
        assert read_tree(fetched) == {**TREE, "second": b"2"}

    def test_a_run_without_a_model_is_not_registered(self, tracker: Tracker) -> None:
        run = finished_run(tracker)

        with pytest.raises(NoRunError):
            tracker.register(run.id, "churn")
        assert list(tracker.versions("churn")) == []
