"""Comet's own ``comet upload`` and ``mltrain runs sync`` in either order: every run is at the server once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from comet_server.calls import KEY
from comet_server.server import CometServer
from comet_server.state import Experiment

from mltrain.tracking import TrackerSettings
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.sender import sync
from mltrain.tracking.training import GIT_BRANCH, GIT_COMMIT, GIT_DIRTY, GIT_REMOTE

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

_GIT = {
    GIT_COMMIT: "c" * 40,
    GIT_DIRTY: "true",
    GIT_BRANCH: "refs/heads/main",
    GIT_REMOTE: "https://example.org/team/x.git",
}


@pytest.fixture
def archived(settings: TrackerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Record a run as training does, in an archive for want of a key; return the folder of the runs."""
    runs = tmp_path / "runs"
    local = open_local(TrackerSettings(project="churn", workspace="team", directory=runs, options={}))
    run = local.start_run("lgbm-1", {"mltrain.session": "s", **_GIT})
    folder = runs / run.id
    run.log_params({"depth": 3, "kind": "gbdt"})
    for step in range(5):
        run.log_metrics({"trial_score": step / 8}, step=step)
    (folder / "figures").mkdir()
    (folder / "figures" / "roc.png").write_bytes(_PNG)
    (folder / "confusion_matrix.json").write_text('{"labels": ["no", "yes"], "matrix": [[5, 1], [2, 7]]}')
    (folder / "git.patch").write_text("diff --git a/x.py b/x.py\n")
    (folder / "model" / "members").mkdir(parents=True)
    (folder / "model" / "manifest.json").write_text("{}")
    (folder / "model" / "members" / "trees.txt").write_text("tree")
    for name in ("figures/roc.png", "confusion_matrix.json", "git.patch"):
        run.log_file(folder / name, name)
    run.log_model(folder / "model")
    run.finish()
    with monkeypatch.context() as patch:
        patch.setenv("COMET_API_KEY", "")
        assert sync(runs, "comet_ml", settings).synced == ("lgbm-1",)
    return runs


_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def _upload(settings: TrackerSettings, server: CometServer) -> subprocess.CompletedProcess[str]:
    archives = [str(path) for path in sorted(settings.directory.glob("*.zip"))]
    assert archives
    command = [str(Path(sys.executable).parent / "comet"), "upload", *archives]
    environment = {**os.environ, "COMET_API_KEY": KEY, "COMET_URL_OVERRIDE": f"{server.root}/clientlib/"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def _only(server: CometServer) -> Experiment:
    (experiment,) = server.state.experiments.values()
    return experiment


def assert_all_is_there_once(experiment: Experiment) -> None:
    assert (experiment.workspace, experiment.project) == ("team", "churn")
    assert experiment.others["mltrain.run_id"] == experiment.others["Name"] == "lgbm-1"
    assert experiment.others["mltrain.status"] == "finished"
    assert {k: experiment.params[k] for k in ("depth", "kind")} == {"depth": "3", "kind": "gbdt"}
    assert [(p["step"], p["metricValue"]) for p in experiment.series("trial_score")] == [
        (step, str(step / 8)) for step in range(5)
    ]
    assert Counter((a.kind, a.group, a.name) for a in experiment.assets) == {
        ("asset", None, "figures/roc.png"): 1,
        ("image", None, "figures/roc.png"): 1,
        ("asset", None, "confusion_matrix.json"): 1,
        ("confusion-matrix", None, "confusion-matrix.json"): 1,
        ("asset", None, "git.patch"): 1,
        ("git-patch", None, "git_diff.patch"): 1,
        ("model-element", "model", "manifest.json"): 1,
        ("model-element", "model", "members/trees.txt"): 1,
    }
    assert experiment.git["parent"] == "c" * 40
    assert experiment.git["branch"] == "refs/heads/main"
    assert experiment.git["origin"] == "https://example.org/team/x.git"


def test_what_comet_uploaded_is_not_sent_again(
    archived: Path, settings: TrackerSettings, comet_server: CometServer
) -> None:
    uploaded = _upload(settings, comet_server)
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    assert_all_is_there_once(_only(comet_server))
    comet_server.heard.clear()

    report = sync(archived, "comet_ml", settings)

    assert (report.synced, report.pending, report.warnings) == (("lgbm-1",), (), ())
    assert_all_is_there_once(_only(comet_server))
    sent = [h.path for h in comet_server.heard if h.method != "GET"]
    assert not [path for path in sent if "upload" in path or "metric" in path]
    comet_server.heard.clear()
    assert sync(archived, "comet_ml", settings).synced == ("lgbm-1",)
    assert {h.path for h in comet_server.heard} == {"/clientlib/isAlive/ver"}


def test_what_was_synced_cannot_be_uploaded_once_more(
    archived: Path, settings: TrackerSettings, comet_server: CometServer
) -> None:
    (archive,) = settings.directory.glob("*.zip")
    assert sync(archived, "comet_ml", settings).synced == ("lgbm-1",)
    assert_all_is_there_once(_only(comet_server))
    assert _only(comet_server).key == archive.name.partition(".")[0]

    uploaded = _upload(settings, comet_server)

    assert uploaded.returncode == 1  # the server has the key
    assert_all_is_there_once(_only(comet_server))


def test_what_an_upload_left_out_is_sent_by_sync(
    archived: Path, settings: TrackerSettings, comet_server: CometServer
) -> None:
    _upload(settings, comet_server)
    experiment = _only(comet_server)
    experiment.points = experiment.points[:3]
    experiment.assets = [a for a in experiment.assets if a.name not in ("members/trees.txt", "confusion_matrix.json")]

    report = sync(archived, "comet_ml", settings)

    assert (report.synced, report.warnings) == (("lgbm-1",), ())
    assert_all_is_there_once(experiment)
