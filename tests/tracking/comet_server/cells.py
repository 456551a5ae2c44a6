"""Commands in trouble: workspaces prepared for each command, and what comes of one that is run in trouble."""

from __future__ import annotations

import copy
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from comet_server.calls import KEY
from comet_server.server import CometServer
from comet_server.state import State
from comet_server.trouble import FULL_DISK, TROUBLES, Scene, Trouble, no_trouble, run_in_trouble
from mltrain.commands.evaluate import evaluate
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import loading
from mltrain.workspace import Workspace

CONFIG = """
data: {source: "example:churn", target: churned, id_columns: [customer]}
train: {supported_models: [logistic_regression], project_name: churn, workspace_name: team}
evaluate: {figures: false, n_bootstrap: 20}
"""
COMMANDS = {"train": ["train", "--max-trials", "40"], "evaluate": ["evaluate"], "register": ["register"]}
_SHARED = Path(tempfile.gettempdir()) / "mltrain-tests"
_OWN_WORK = {
    "train": "runs/*/run.json",
    "evaluate": "runs/*/evaluation/evaluation.json",
    "register": "registry/*/registry.json",
}
KILLED = ("SIGTERM", "SIGKILL")
_EVENT = {"train": "add/run", "evaluate": "add/run", "register": "registry-model"}
# Seconds from a command's own work being on disk to its end: `register` sends runs, then tells the registry.
PROMISED_S = {"train": 10.0, "evaluate": 10.0, "register": 20.0}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A workspace as it is before a command, and what the server then holds."""

    root: Path
    state: State


def program(command: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "mltrain", *COMMANDS[command], "--json", *more]


def settings_of(server: CometServer, home: Path) -> dict[str, str]:
    """Return the environment that leads the client to the stand-in and to nobody else."""
    return {
        "COMET_URL_OVERRIDE": f"{server.root}/clientlib/",
        "COMET_API_KEY": KEY,
        "COMET_ERROR_TRACKING_ENABLE": "false",
        "COMET_INTERNAL_REPORTING": "false",
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1,localhost",
        "MPLCONFIGDIR": str(_SHARED / "matplotlib"),  # the client draws; finding all fonts anew takes seconds
    }


class Stage:
    """Two projects that go through the commands without trouble, one of them without a key."""

    def __init__(self, server: CometServer, root: Path) -> None:
        self._online = _Project(server, root / "online", key=KEY)
        self._offline = _Project(server, root / "offline", key="")

    def before(self, command: str, trouble: str = "none") -> Prepared:
        """Return what a command would find; where the disk of the archives is full, everything is in archives."""
        project = self._offline if trouble == FULL_DISK else self._online
        key = os.environ.get("COMET_API_KEY", "")
        try:
            os.environ["COMET_API_KEY"] = project.key
            return project.before(command)
        finally:
            os.environ["COMET_API_KEY"] = key


class _Project:
    """One project that goes through the commands without trouble; a copy is kept of what was before each."""

    def __init__(self, server: CometServer, root: Path, *, key: str) -> None:
        self.key = key
        self._server, self._root = server, root
        self._prepared: dict[str, Prepared] = {}
        self._folder = root / "workspace"
        self._folder.mkdir(parents=True)
        (self._folder / "mltrain.yaml").write_text(CONFIG)
        server.reset()
        split(loading.load(self._folder / "mltrain.yaml"), Workspace(root=self._folder))

    def before(self, command: str) -> Prepared:
        """Go as far as the command and return what it would find."""
        if command not in self._prepared:
            config, workspace = loading.load(self._folder / "mltrain.yaml"), Workspace(root=self._folder)
            if command == "train":
                self._server.state = State()
            elif command == "evaluate":
                train_state = self.before("train").state
                self._server.state = copy.deepcopy(train_state)
                train(config, workspace, request=TrainRequest(max_trials=2))
            elif command == "register":
                self._server.state = copy.deepcopy(self.before("evaluate").state)
                evaluate(config, workspace)
            shutil.copytree(self._folder, self._root / command)
            self._prepared[command] = Prepared(root=self._root / command, state=copy.deepcopy(self._server.state))
        return self._prepared[command]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What came of one command in trouble.

    Attributes
    ----------
    was_met : bool
        Whether the command came into the trouble.
    after_s : float, optional
        Seconds from the command's own work being on disk to its end; None when it did not come to that.
    starved_s : float
        Seconds of all in which the command stood in the queue for a core, because the machine did other things.
    starved_after_s : float
        Those of them after its own work.
    since_signal_s : float, optional
        Seconds from the signal to its end; None without one.
    """

    exit_code: int
    was_met: bool
    seconds: float
    after_s: float | None
    starved_s: float
    starved_after_s: float
    since_signal_s: float | None
    warnings: tuple[str, ...]
    tracker: str
    errors: str

    @property
    def says_what_is_missing(self) -> bool:
        """Whether a user knows from what was shown that something waits, and what to do."""
        return "mltrain runs sync" in " ".join(self.warnings) or "offline" in self.tracker


def play(
    server: CometServer, before: Prepared, folder: Path, *, trouble: str | Trouble, command: str, more: str = ""
) -> Cell:
    """Run one command in a copy of the prepared workspace while a trouble lasts; "none" is no trouble."""
    shutil.copytree(before.root, folder)
    server.reset()
    server.state = copy.deepcopy(before.state)
    scene = Scene(server=server, folder=folder, environment={}, event=_EVENT[command])
    began, began_s = time.time(), time.monotonic()
    chosen = TROUBLES.get(trouble, no_trouble) if isinstance(trouble, str) else trouble
    process, seconds = run_in_trouble(chosen, scene, program(command, *more.split()))
    shown, errors = (folder / "out").read_text(), (folder / "err").read_text()
    done = [path.stat().st_mtime for path in folder.glob(_OWN_WORK[command]) if path.stat().st_mtime > began]
    data = (json.loads(shown)["data"] or {}) if shown else {}
    return Cell(
        exit_code=process.returncode,
        was_met=scene.was_met,
        seconds=seconds,
        after_s=began + seconds - max(done) if done else None,
        starved_s=scene.starved_since(began),
        starved_after_s=scene.starved_since(max(done)) if done else 0.0,
        since_signal_s=None if scene.struck_s is None else began_s + seconds - scene.struck_s,
        warnings=tuple(data.get("warnings") or ()),
        tracker=str(data.get("tracker") or data.get("answered") or ""),
        errors=errors,
    )
