"""Comet beyond the contract: keys, losses, what its pages show."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from comet_server.faults import Fault
from comet_server.server import CometServer
from comet_server.state import Asset

from mltrain.errors import TrackerError
from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

_WRONG_KEY = "WrongKeyOfSomebodyElse9876"


def _png(path: Path) -> Path:
    """Write the smallest PNG."""
    path.write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002"
            "000001e221bc330000000049454e44ae426082"
        )
    )
    return path


# -- keys and faults


@pytest.mark.parametrize("action", ["start", "list", "get", "register"])
def test_a_wrong_key_is_a_tracker_error_that_does_not_show_it(
    settings: TrackerSettings,
    comet_server: CometServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    action: str,
) -> None:
    monkeypatch.setenv("COMET_API_KEY", _WRONG_KEY)
    tracker = open_tracker(settings)

    with pytest.raises(TrackerError) as caught:
        {
            "start": lambda: tracker.start_run("r"),
            "list": lambda: tracker.list_runs({"a": "b"}),
            "get": lambda: tracker.get_run("0" * 32),
            "register": lambda: tracker.versions("churn"),
        }[action]()

    output = capfd.readouterr()
    assert _WRONG_KEY not in f"{caught.value} {caught.value.where} {caught.value.hint}{output.out}{output.err}"
    assert caught.value.__cause__ is None


def test_a_loss_that_the_client_only_logs_is_raised(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    comet_server.play(Fault(kind="status", path="write/experiment/log-other", status=400))
    run.set_tags({"a": "b"})

    with pytest.raises(TrackerError, match="lost part of run"):
        run.finish()

    run.finish()  # idempotent


def test_a_journal_of_an_online_run_is_kept(
    settings: TrackerSettings, comet_server: CometServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMET_FALLBACK_STREAMER_FALLBACK_TO_OFFLINE_MIN_BACKEND_VERSION")
    monkeypatch.delenv("COMET_FALLBACK_STREAMER_KEEP_OFFLINE_ZIP")
    run = open_tracker(settings).start_run("r")
    run.log_metrics({"score": 0.5})
    run.finish()

    (archive,) = settings.directory.rglob("*.zip")
    with zipfile.ZipFile(archive) as file:
        assert '"metricName":"score"' in file.read("messages.json").decode().replace(" ", "")


# -- what arrives


def test_a_figure_is_an_image_and_a_file(settings: TrackerSettings, comet_server: CometServer, tmp_path: Path) -> None:
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    figure = _png(tmp_path / "roc.png")
    run.log_file(figure, "figures/roc.png")
    run.finish()

    kinds = {(a.name, a.kind) for a in comet_server.state.experiments[run.id].assets}
    assert kinds == {("figures/roc.png", "asset"), ("figures/roc.png", "image")}
    fetched = tracker.fetch_file(run.id, "figures/roc.png", tmp_path / "back.png")
    assert fetched.read_bytes() == figure.read_bytes()


def test_a_confusion_matrix_is_drawn_by_comet_and_stays_a_file(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    path = tmp_path / "confusion_matrix.json"
    path.write_text(json.dumps({"labels": ["nein", "ja"], "matrix": [[5, 1], [2, 7]]}))
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    run.log_file(path, "evaluation/confusion_matrix.json")
    run.finish()

    assets = {a.kind: a for a in comet_server.state.experiments[run.id].assets}
    native = json.loads(assets["confusion-matrix"].content)
    assert (native["labels"], native["matrix"]) == (["nein", "ja"], [[5, 1], [2, 7]])
    assert assets["asset"].content == path.read_bytes()


def test_nothing_is_sent_that_was_not_logged(settings: TrackerSettings, comet_server: CometServer) -> None:
    run = open_tracker(settings).start_run("r", {"a": "b"})
    run.log_params({"depth": 3})
    run.finish()

    experiment = comet_server.state.experiments[run.id]
    assert set(experiment.others) <= {"a", "Name", "mltrain.status", "Created from"}
    assert experiment.params == {"depth": "3", "tag.a": "b", "tag.mltrain.status": "finished"}
    assert experiment.assets == []
    asked = " ".join(comet_server.requests)
    assert not any(word in asked for word in ("system-details", "git", "output", "cloud"))


def test_a_version_that_somebody_else_takes_first_is_counted_on(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "x").write_text("x")
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    run.log_model(model)
    run.finish()
    comet_server.version_conflicts = 1

    assert tracker.register(run.id, "Churn Model").version == "2.0.0"
    assert [v.version for v in tracker.versions("Churn Model")] == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize("name", ["../escape", "/tmp/escape", "a/../../escape"])
def test_a_server_cannot_write_outside_the_destination(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path, name: str
) -> None:
    tracker = open_tracker(settings)
    run = tracker.start_run("r")
    run.finish()
    evil = Asset(id="1", name=name, kind="model-element", group="model", content=b"evil")
    comet_server.state.experiments[run.id].keep(evil, replace=False)

    with pytest.raises(TrackerError):
        tracker.fetch_model(run.id, tmp_path / "deep" / "dest")

    assert not list(tmp_path.rglob("escape"))
    assert not Path("/tmp/escape").exists()
    assert not (tmp_path / "deep" / "dest").exists()
