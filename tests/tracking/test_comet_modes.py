"""Comet online or offline: which key and which server are found, and what importing the client does."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from comet_server.calls import KEY
from comet_server.server import CometServer

from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker
from mltrain.tracking.comet.client_settings import server_url

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_a_key_and_a_server_make_it_online(settings: TrackerSettings, comet_server: CometServer) -> None:
    assert open_tracker(settings).mode == "online"
    assert comet_server.requests == ["GET /clientlib/isAlive/ver"]


def test_no_key_is_offline_and_asks_nobody(
    settings: TrackerSettings, comet_server: CometServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMET_API_KEY", "")

    assert open_tracker(settings).mode == "offline: no key"
    assert comet_server.requests == []


def test_a_dead_server_is_offline(settings: TrackerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_API_KEY", KEY)
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9/clientlib/")

    assert open_tracker(settings).mode == "offline: server unreachable"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".comet.config", f"[comet]\napi_key = {KEY}\n"),
        (".env", f'# settings\nexport COMET_API_KEY="{KEY}"\n'),
        ("elsewhere.ini", f"[comet]\napi_key={KEY}\n"),
    ],
)
def test_a_key_in_a_file_counts(
    settings: TrackerSettings,
    comet_server: CometServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: str,
) -> None:
    monkeypatch.delenv("COMET_API_KEY")
    monkeypatch.setenv("COMET_CONFIG", "elsewhere.ini")
    Path(name).write_text(content)

    assert open_tracker(settings).mode == "online"


def test_broken_files_hold_no_key(settings: TrackerSettings) -> None:
    Path(".comet.config").write_bytes(b"\xff\xfe[[[")
    Path(".env").write_bytes(b"\xff\xfe=")

    assert open_tracker(settings).mode == "offline: no key"


def test_importing_the_tracker_does_not_import_comet() -> None:
    program = "import sys, mltrain.tracking.comet; sys.exit('comet_ml' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_importing_comet_patches_nothing() -> None:
    program = """
import sys, logging
hook = sys.excepthook
from mltrain.tracking.comet.environment import import_comet
import_comet()
logger = logging.getLogger("comet_ml")
assert sys.excepthook is hook
assert not logger.propagate
import sklearn.linear_model
assert "comet_ml" not in sklearn.linear_model.LogisticRegression.fit.__module__
assert not hasattr(sklearn.linear_model.LogisticRegression.fit, "_self_wrapper")
"""

    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("name", [".comet.config", ".env", "elsewhere.ini", "folder/.comet.config"])
def test_a_server_in_a_file_is_the_one_that_is_asked(
    settings: TrackerSettings, comet_server: CometServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("COMET_URL_OVERRIDE")
    monkeypatch.setenv("COMET_CONFIG", "folder" if name.startswith("folder") else "elsewhere.ini")
    Path("folder").mkdir()
    address = f"{comet_server.root}/clientlib/"
    Path(name).write_text(
        f"COMET_URL_OVERRIDE={address}\n" if name == ".env" else f"[comet]\nurl_override = {address}\n"
    )

    tracker = open_tracker(settings)

    assert tracker.mode == "online"
    assert comet_server.requests == ["GET /clientlib/isAlive/ver"]


def test_the_first_place_that_holds_a_server_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".comet.config").write_text("[comet]\nurl_override = https://file.example/clientlib/\n")
    assert server_url() == "https://file.example/clientlib/"

    monkeypatch.setenv("COMET_URL_OVERRIDE", "https://environment.example/clientlib/")
    assert server_url() == "https://environment.example/clientlib/"

    monkeypatch.setenv("COMET_URL_OVERRIDE", "")
    assert server_url() == "https://www.comet.com/clientlib/"


def test_a_key_of_a_self_hosted_server_says_where_it_is(
    settings: TrackerSettings, comet_server: CometServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = base64.b64encode(json.dumps({"baseUrl": comet_server.root}).encode()).decode()
    monkeypatch.delenv("COMET_URL_OVERRIDE")

    for key in (f"{KEY}*{packed}", f"{KEY}*{packed.rstrip('=')}"):
        monkeypatch.setenv("COMET_API_KEY", key)
        assert open_tracker(settings).mode == "online"

    assert comet_server.requests == ["GET /clientlib/isAlive/ver"] * 2


@pytest.mark.parametrize("key", [KEY, f"{KEY}*", f"{KEY}*no-base-64", f"{KEY}*W10=", "*"])
def test_a_key_that_names_no_server_belongs_to_comet(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("COMET_API_KEY", key)

    assert server_url() == "https://www.comet.com/clientlib/"


def test_a_console_that_the_user_wants_to_see_shows_no_key(
    settings: TrackerSettings, comet_server: CometServer, tmp_path: Path
) -> None:
    wrong = "WrongKeyOfSomebodyElse9876"
    program = f"""
import os
os.environ |= {{"COMET_LOGGING_CONSOLE": "INFO", "COMET_API_KEY": {wrong!r}}}
from pathlib import Path
from mltrain.errors import TrackerError
from mltrain.tracking import TrackerSettings
from mltrain.tracking.comet import open_tracker
settings = TrackerSettings(project="p", workspace=None, directory=Path({str(settings.directory)!r}), options={{}})
try:
    open_tracker(settings).start_run("r")
except TrackerError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "does not accept the API key" in ended.stdout, ended.stderr
    assert wrong not in ended.stdout + ended.stderr
