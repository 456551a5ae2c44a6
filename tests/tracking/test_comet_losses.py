"""What Comet's client loses in silence is found; what arrives twice, or is not allowed, does no harm."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from comet_server.faults import Fault
from comet_server.server import CometServer

from mltrain.errors import TrackerError
from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_an_archive_that_did_not_fit_on_the_disk_is_a_loss(settings: TrackerSettings) -> None:
    program = f"""
import resource
from pathlib import Path
from mltrain.errors import TrackerError
from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker
settings = TrackerSettings(project="p", workspace=None, directory=Path({str(settings.directory)!r}), options={{}})
run = open_tracker(settings).start_run("r")
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))  # the system refuses from there on, as a full disk does
for step in range(200):
    run.log_metrics({{"score": step / 2}}, step=step)
try:
    run.finish()
except TrackerError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "comet lost part of run" in ended.stdout, ended.stderr


def test_what_the_server_does_not_show_is_named(settings: TrackerSettings, comet_server: CometServer) -> None:
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    run.log_metrics({"kept": 1.0, "dropped": 2.0}, step=1)
    experiment = comet_server.state.experiments[run.id]
    experiment.forgets = "dropped"

    with pytest.raises(TrackerError, match=r"lost part of run .*: 1 values of dropped"):
        run.finish()


@pytest.mark.parametrize(("name", "named"), [("report.html", "file report.html"), ("x", "model model")])
def test_a_file_that_arrived_in_part_is_named(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path, name: str, named: str
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "x").write_text("of a model")
    (tmp_path / "report.html").write_text("of a run")
    run = open_tracker(settings).start_run("r")
    comet_server.state.experiments[run.id].truncates = name
    run.log_file(tmp_path / "report.html", "report.html")
    run.log_model(tmp_path / "model")

    with pytest.raises(TrackerError, match=f"lost part of run .*: {named}$"):
        run.finish()


def test_files_that_are_there_are_not_sent_again(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    for name in ("same", "changed"):
        (tmp_path / name).write_text(name)
        (tmp_path / "model" / name).write_text(name)
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    for _ in range(2):
        for name in ("same", "changed"):
            run.log_file(tmp_path / name, name)
        run.log_model(tmp_path / "model")
        run.finish()
        (tmp_path / "changed").write_text("otherwise")
        (tmp_path / "model" / "changed").write_text("otherwise")
        run = tracker.resume_run(run.id)
    run.finish()

    uploads = Counter(h.query["fileName"] for h in comet_server.heard if h.path.endswith("asset/upload"))
    assert uploads == {"same": 2, "changed": 4}
    stored = {(a.group, a.name): a.content for a in comet_server.state.experiments[run.id].assets}
    assert len(comet_server.state.experiments[run.id].assets) == 4
    assert stored == {(g, n): c for g in (None, "model") for n, c in (("same", b"same"), ("changed", b"otherwise"))}


def test_a_request_taken_twice_counts_once(settings: TrackerSettings, comet_server: CometServer) -> None:
    comet_server.play(Fault(kind="twice", path="experiment/metric$"))
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    for step in range(3):
        run.log_metrics({"score": 0.5}, step=step)
    run.finish()

    assert len(comet_server.state.experiments[run.id].series("score")) == 6
    assert tracker.metric_history(run.id, "score") == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_a_status_that_an_owner_has_to_approve_does_not_stop_a_champion(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "x").write_text("x")
    comet_server.guards_status = True
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    run.log_model(model)
    run.finish()

    version = tracker.register(run.id, "churn", tags={"mltrain.manifest": "abc"})
    (registered,) = comet_server.state.versions
    assert (version.aliases, registered.tags) == ({"challenger"}, ["challenger"])
    tracker.set_alias("churn", "champion", version.version)

    assert (registered.tags, registered.status) == (["champion"], "None")
    assert registered.metadata == {"mltrain.manifest": "abc"}
