"""Lists of Comet's runs: few requests, little to download, and the order in which runs began."""

from __future__ import annotations

import json
from typing import Any

import pytest
from comet_server.server import CometServer
from comet_server.state import Experiment

from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def _add(server: CometServer, number: int, *, at_ms: int, tags: dict[str, str], params: dict[str, str]) -> None:
    """Put a finished run where the server would have it."""
    experiment = Experiment(f"{number:032d}", "team", "churn", name=f"run {number}", started=at_ms)
    experiment.others = {**tags, "mltrain.status": "finished"}
    experiment.params = {**params, "curr_step": "3"} | {f"tag.{k}": v for k, v in experiment.others.items()}
    values = {"score": number / 64, "trial_score": 0.25, "train_loss": 0.5, "system.cpu_percent": 99.0}
    experiment.points = [{"metricName": n, "metricValue": str(v), "timestamp": 1} for n, v in values.items()]
    server.state.experiments[experiment.key] = experiment


@pytest.fixture
def crowded(comet_server: CometServer) -> CometServer:
    """Return a server with 150 runs of two sessions."""
    for number in range(150):
        tags = {"session": "s" if number % 2 else "other", "fold": str(number % 2)}
        _add(comet_server, number, at_ms=1000 + number, tags=tags, params={"depth": str(number)})
    return comet_server


def _asked(server: CometServer, path: str) -> list[dict[str, Any]]:
    return [json.loads(h.body) for h in server.heard if h.path.endswith(path)]


def test_runs_are_listed_by_their_tags_a_hundred_in_a_request(settings: TrackerSettings, crowded: CometServer) -> None:
    tracker = open_tracker(settings)
    tracker.list_runs(limit=1)
    crowded.heard.clear()

    found = tracker.list_runs({"session": "s"}, limit=60)

    assert [i.metrics["score"] for i in found] == [n / 64 for n in range(149, 29, -2)]
    assert found[0].params == {"depth": "149"}
    assert found[0].tags == {"session": "s", "fold": "1"}
    assert found[0].status == "finished"
    assert len(crowded.requests) == 4


def test_a_list_asks_for_no_series_and_for_no_run_without_the_tags(
    settings: TrackerSettings, crowded: CometServer
) -> None:
    open_tracker(settings).list_runs({"session": "s"})

    (chart,) = _asked(crowded, "multi-metric-chart")
    assert chart["metrics"] == ["score"]
    assert len(chart["targetedExperiments"]) == 75


@pytest.mark.parametrize(
    ("tags", "n_requests"), [({"session": "nobody's"}, 2), ({"no_such_tag": "x"}, 1), ({"session": "s", "no": "x"}, 1)]
)
def test_what_nobody_carries_is_found_out_without_a_look_at_all_runs(
    settings: TrackerSettings, crowded: CometServer, tags: dict[str, str], n_requests: int
) -> None:
    tracker = open_tracker(settings)
    tracker.list_runs(limit=1)
    crowded.heard.clear()

    assert tracker.list_runs(tags) == []

    assert len(crowded.requests) == n_requests


def test_a_tag_that_looks_like_a_number_is_compared_as_text(settings: TrackerSettings, crowded: CometServer) -> None:
    tracker = open_tracker(settings)

    assert [i.tags["fold"] for i in tracker.list_runs({"fold": "1"}, limit=3)] == ["1"] * 3
    assert tracker.list_runs({"fold": "1.0"}) == []


def test_a_run_that_was_sent_late_stands_where_it_began(settings: TrackerSettings, comet_server: CometServer) -> None:
    for number in range(250):
        # Every second run was trained a second before all others and sent when its turn came.
        began = {"mltrain.started_ms": str(number)} if number % 2 else {}
        _add(comet_server, number, at_ms=1000 + number, tags={"kind": "k", **began}, params={})
    tracker = open_tracker(settings)

    newest = tracker.list_runs({"kind": "k"}, limit=30)
    many = tracker.list_runs({"kind": "k"}, limit=200)

    assert [i.started_ms for i in newest] == list(range(1248, 1188, -2))
    assert len(_asked(comet_server, "multi-metric-chart")) == 1 + 3
    assert [i.started_ms for i in many] == [*range(1248, 998, -2), *range(249, 99, -2)]
    assert tracker.get_run(many[-1].id).started_ms == many[-1].started_ms
