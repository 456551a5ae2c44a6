"""Planted secrets are looked for in everything that a session shows and leaves, Comet's archives included."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from comet_server import calls
from comet_server.server import CometServer

from mltrain.cli import main
from mltrain.tracking import TrackerSettings
from mltrain.tracking.local import open_tracker
from mltrain.tracking.sender import start

PASSWORD, TOKEN, KEY = "planted-password", "planted-token", "planted-comet-key"
CONFIG = f"""
data:
  source: example:churn
  target: churned
train:
  supported_models: [logistic_regression]
  tracker_options:
    tracking_uri: postgresql://bob:{PASSWORD}@127.0.0.1:5432/runs
    access_token: {TOKEN}
evaluate:
  figures: false
  n_bootstrap: 20
"""


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a folder, and what is in the archives among them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{path}:{name}", archive.read(name)) for name in archive.namelist())


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def test_no_secret_is_shown_or_left_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMET_API_KEY", KEY)
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9/clientlib/")  # nobody answers: archives
    Path("mltrain.yaml").write_text(CONFIG)

    steps = (
        ["split"],
        ["train", "--max-trials", "1"],
        ["evaluate"],
        ["register"],
        ["runs", "sync"],
        ["config", "show"],
    )
    for words in steps:  # a busy machine leaves archives to the sync
        assert _run(*words) == 0, capfd.readouterr().err
    assert _run("config", "show", "--json") == 0

    shown = capfd.readouterr()
    left = {name: data for name, data in _contents(tmp_path) if not name.endswith("mltrain.yaml")}
    assert "postgresql://***@127.0.0.1:5432/runs" in shown.out
    assert any(".zip:" in name for name in left)
    assert any(name.endswith("run.json") and b"access_token" in data for name, data in left.items())
    for secret in (PASSWORD, TOKEN, KEY):
        assert secret not in shown.out + shown.err
        assert [name for name, data in left.items() if secret.encode() in data] == []


def test_no_secret_is_left_by_a_sender_that_was_killed(
    comet_server: CometServer, settings: TrackerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMET_FALLBACK_STREAMER_KEEP_OFFLINE_ZIP", "true")  # what the client writes in the long run
    monkeypatch.delenv("COMET_FALLBACK_STREAMER_FALLBACK_TO_OFFLINE_MIN_BACKEND_VERSION")
    runs = tmp_path / "runs"
    local = open_tracker(TrackerSettings(project="p", workspace=None, directory=runs, options={}))
    run = local.start_run("open", {"mltrain.session": "s"})
    (runs / run.id / "model").mkdir()
    (runs / run.id / "model" / "weights").write_bytes(b"many numbers")
    run.log_model(runs / run.id / "model")
    sender = start("comet_ml", settings, runs=runs, session="s")
    end_s = time.monotonic() + 60
    while not any(e.assets for e in comet_server.state.experiments.values()):
        assert time.monotonic() < end_s
        time.sleep(0.05)

    sender.finish(timeout_s=0)

    left = dict(_contents(tmp_path))
    assert any("/scratch/" in name for name in left)
    assert [name for name, data in left.items() if calls.KEY.encode() in data] == []
