from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain.errors import MltrainError, TrackerError, UsageError
from mltrain.testing.tracker import TrackerContract
from mltrain.tracking import Tracker, TrackerSettings
from mltrain.tracking.local import open_tracker as open_local
from mltrain.tracking.mirror import mirror

# MLflow and SQLAlchemy warn about themselves; nothing of it is ours to change.
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs the extra mlflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _open(settings: TrackerSettings) -> Tracker:
    from mltrain.tracking.mlflow import open_tracker

    return open_tracker(settings)


@pytest.fixture
def tracker(settings: TrackerSettings, mlflow_database: Path) -> Tracker:
    settings.directory.mkdir(parents=True)
    (settings.directory / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    return _open(settings)


class TestSqlite(TrackerContract):
    @pytest.fixture
    def tracker(self, tracker: Tracker) -> Tracker:
        return tracker


class TestServer(TrackerContract):
    @pytest.fixture
    def tracker(self, settings: TrackerSettings, mlflow_server: str, request: pytest.FixtureRequest) -> Tracker:
        # One server, a project for each test; registered names are shared, so they are cleared.
        options = {"tracking_uri": mlflow_server}
        tracker = _open(replace(settings, project=request.node.name, options=options))
        for registered in tracker._client.search_registered_models():  # type: ignore[attr-defined]
            tracker._client.delete_registered_model(registered.name)  # type: ignore[attr-defined]
        return tracker


def test_everything_stays_in_the_trackers_folder(tracker: Tracker, settings: TrackerSettings) -> None:
    source = settings.directory / "note.txt"
    source.write_text("x")
    run = tracker.start_run("r")
    run.log_file(source, "deep/note.txt")
    run.finish()

    assert list(Path.cwd().iterdir()) == []
    assert len(list((settings.directory / "artifacts").rglob("note.txt"))) == 1


def test_the_address_of_the_environment_is_used(
    settings: TrackerSettings, monkeypatch: pytest.MonkeyPatch, mlflow_database: Path
) -> None:
    other = Path.cwd() / "other.db"
    other.write_bytes(mlflow_database.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")

    tracker = _open(settings)
    tracker.start_run("r").finish()

    assert len(tracker.list_runs()) == 1
    assert not (settings.directory / "mlflow.db").exists()


def test_a_dead_server_is_a_tracker_error_without_the_password(
    settings: TrackerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker = _open(replace(settings, options={"tracking_uri": "http://me:secret@127.0.0.1:9"}))

    with pytest.raises(TrackerError) as caught:
        tracker.start_run("r")

    assert "secret" not in f"{caught.value} {caught.value.where} {caught.value.hint}"


def test_many_points_go_out_in_few_requests(tracker: Tracker) -> None:
    run = tracker.start_run("many")
    for step in range(1200):
        run.log_metrics({"loss": 1 / (step + 1)}, step=step)
    run.finish()

    history = tracker.metric_history(run.id, "loss")

    assert history == [(step, 1 / (step + 1)) for step in range(1200)]


def test_names_that_mlflow_refuses_are_written_in_signs_it_knows_and_come_back(tracker: Tracker) -> None:
    run = tracker.start_run("names", {"a": "b"})
    run.log_params({"weights[lgbm]": 0.5})
    run.log_metrics({"f1@0.5": 0.25})
    run.finish()

    info = tracker.get_run(run.id)
    stored = tracker._client.get_run(run.id).data  # type: ignore[attr-defined]

    assert (stored.params, stored.metrics) == ({"weights_lgbm_": "0.5"}, {"f1_0.5": 0.25})
    assert (info.params, info.metrics, info.tags) == ({"weights[lgbm]": "0.5"}, {"f1@0.5": 0.25}, {"a": "b"})
    assert tracker.metric_history(run.id, "f1@0.5") == [(0, 0.25)]


def test_a_run_that_was_cut_off_gets_no_point_twice_whatever_its_name(
    tracker: Tracker, settings: TrackerSettings, tmp_path: Path
) -> None:
    local = open_local(TrackerSettings(project="p", workspace=None, directory=tmp_path / "runs", options={}))
    run = local.start_run("lgbm-1")
    run.log_metrics({"f1@0.5": 0.25, "recall[yes]": 0.5}, step=1)
    run.finish()
    mirror(tmp_path / "runs" / run.id, tracker, name="mlflow")
    state = tmp_path / "runs" / run.id / "sync.json"
    state.write_text(state.read_text().replace('"synced"', '"open"'))

    mirror(tmp_path / "runs" / run.id, tracker, name="mlflow")

    (info,) = tracker.list_runs()
    assert tracker.metric_history(info.id, "f1@0.5") == [(1, 0.25)]
    assert tracker.metric_history(info.id, "recall[yes]") == [(1, 0.5)]


def test_a_run_that_was_sent_late_began_when_it_was_trained(tracker: Tracker) -> None:
    late = tracker.start_run("late", {"mltrain.started_ms": "1700000000000"})
    late.log_metrics({"score": 0.5}, step=1, time_ms=1_700_000_000_500)
    late.finish()
    tracker.start_run("now").finish()

    found = tracker.list_runs()

    assert [i.name for i in found] == ["now", "late"]
    assert found[1].started_ms == 1_700_000_000_000
    (point,) = tracker._client.get_metric_history(late.id, "score")  # type: ignore[attr-defined]
    assert point.timestamp == 1_700_000_000_500


@pytest.mark.parametrize(
    ("uri", "error", "told"),
    [
        ("foo://bob:hidden@x", UsageError, "mlflow knows no address such as 'foo://***@x'"),
        ("sqlite:////proc/nowhere/x.db", TrackerError, "mlflow cannot open 'sqlite:////proc/nowhere/x.db'"),
        ("sqlite:////proc/x.db", TrackerError, "unable to open database file"),
        ("mysql://bob:hidden@127.0.0.1/x", UsageError, "mlflow cannot use 'mysql://***@127.0.0.1/x'"),
    ],
)
def test_an_impossible_address_names_the_setting(
    settings: TrackerSettings, uri: str, error: type[MltrainError], told: str
) -> None:
    with pytest.raises(error) as caught:
        _open(replace(settings, options={"tracking_uri": uri}))

    assert told in caught.value.message
    assert caught.value.where == "train.tracker_options.tracking_uri"
    assert "hidden" not in f"{caught.value.message} {caught.value.hint}"


def test_a_file_that_is_no_database_is_said_at_once(settings: TrackerSettings, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no database, but long enough to be taken for one at first sight" * 9)

    with pytest.raises(TrackerError, match="file is not a database"):
        _open(replace(settings, options={"tracking_uri": f"sqlite:///{tmp_path}/notes.db"}))


def test_reading_leaves_no_trace(tracker: Tracker) -> None:
    assert tracker.list_runs() == []
    assert tracker._client.get_experiment_by_name("churn") is None  # type: ignore[attr-defined]

    tracker.start_run("r").finish()

    assert len(tracker.list_runs()) == 1
