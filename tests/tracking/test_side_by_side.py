"""Families are open all at once, and so are their runs: the tracker has points of each while training goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from comet_server.arrived import assert_everything_arrived_once
from comet_server.server import CometServer

from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import loading
from mltrain.events import CandidateKept, Event
from mltrain.tracking import TrackerSettings
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.sender import Sender, SenderReport, start
from mltrain.tracking.standings import list_standings, open_trackers
from mltrain.workspace import Workspace

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

CONFIG = """
data: {source: "example:churn", target: churned, id_columns: [customer]}
train: {supported_models: [logistic_regression, lgbm], project_name: churn, workspace_name: team}
"""


def _wait(condition: Callable[[], bool], timeout_s: float = 60) -> bool:
    """Wait for something; say whether it came."""
    end_s = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.05)
    return condition()


def _models_with_trials(server: CometServer) -> set[str]:
    """Return the models of which the server has a trial."""
    found = list(server.state.experiments.values())
    return {e.others["mltrain.model"] for e in found if "mltrain.model" in e.others and e.series("trial_score")}


def test_runs_that_are_open_at_once_arrive_at_once(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    local = open_local(TrackerSettings(project="p", workspace=None, directory=runs, options={}))
    tags = {"mltrain.session": "s"}
    open_runs = [local.start_run(name, {**tags, "mltrain.model": name}) for name in ("first", "second", "third")]
    sender = start("comet_ml", settings, runs=runs, session="s")
    for run in open_runs:
        run.log_metrics({"trial_score": 0.5}, step=0)

    have_begun = _wait(lambda: _models_with_trials(comet_server) == {"first", "second", "third"})
    for run in open_runs:
        run.log_metrics({"trial_score": 0.75}, step=1)
        run.finish()
    report = sender.finish(timeout_s=60)

    assert have_begun
    assert (report.pending, report.warnings) == ((), ())
    assert_everything_arrived_once(comet_server, tmp_path, registers=False)


@pytest.mark.usefixtures("comet_environment")
def test_a_training_of_families_and_their_vote_arrives_while_it_goes_on_and_without_a_warning(
    comet_process: CometServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comet_process.reset()
    (tmp_path / "mltrain.yaml").write_text(CONFIG)
    config, workspace = loading.load(tmp_path / "mltrain.yaml"), Workspace(root=tmp_path)
    split(config, workspace)
    waited_s: list[float] = []
    have_begun: list[bool] = []

    def patiently(sender: Sender, timeout_s: float = 10) -> SenderReport:
        began_s = time.monotonic()
        report = finish(sender, timeout_s=max(timeout_s, 60))  # a machine that does other things is slower
        waited_s.append(time.monotonic() - began_s)
        return report

    def look(event: Event) -> None:
        if isinstance(event, CandidateKept) and not have_begun:
            have_begun.append(_wait(lambda: _models_with_trials(comet_process) == {"logistic_regression", "lgbm"}))

    finish = Sender.finish
    monkeypatch.setattr(Sender, "finish", patiently)

    result = train(config, workspace, request=TrainRequest(max_trials=2), listener=look)

    print(f"waited {waited_s[0]:.1f} s for the sender")
    assert have_begun == [True]
    assert [w for w in result.warnings if "comet" in w] == []
    assert_everything_arrived_once(comet_process, tmp_path, registers=False)
    assert (comet_process.unknown, comet_process.violations) == ([], [])
    with open_trackers(config.train, workspace) as trackers:
        listed = list_standings(trackers, run=None, limit=10).standings
    assert [standing.source for standing in listed] == ["tracker"] * 3  # as whole as the local records
