"""Commands in trouble: workspaces prepared for each command, and what comes of one that is run in trouble."""

from __future__ import annotations

import copy
import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from comet_server.calls import KEY
from comet_server.server import CometServer
from comet_server.state import State
from comet_server.trouble import TROUBLES, Scene, no_trouble, run_in_trouble
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
COMMANDS = {"train": ["train", "--max-trials", "2"], "evaluate": ["evaluate"], "register": ["register"]}
_SHARED = Path(tempfile.gettempdir()) / "mltrain-tests"
_OWN_WORK = {
    "train": "runs/*/run.json",
    "evaluate": "runs/*/evaluation/evaluation.json",
    "register": "registry/*/registry.json",
}
KILLED = ("SIGTERM", "SIGKILL")
_N_BEFORE = {"train": 8, "evaluate": 10, "register": 8}  # requests until the middle of the work


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
    """One project that goes through the commands without trouble; a copy is kept of what was before each."""

    def __init__(self, server: CometServer, root: Path) -> None:
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
            if command == "evaluate":
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
    after_s : float, optional
        Seconds from the command's own work being on disk to its end; None when it did not come to that.
    starved_s : float
        Seconds of all in which the command stood in the queue for a core, because the machine did other things.
    since_signal_s : float, optional
        Seconds from the signal to its end; None without one.
    """

    exit_code: int
    seconds: float
    after_s: float | None
    starved_s: float
    since_signal_s: float | None
    warnings: tuple[str, ...]
    tracker: str
    errors: str
    ended_before: bool

    @property
    def says_what_is_missing(self) -> bool:
        """Whether a user knows from what was shown that something waits, and what to do."""
        return "mltrain runs sync" in " ".join(self.warnings) or "offline" in self.tracker


def play(server: CometServer, before: Prepared, folder: Path, *, trouble: str, command: str, more: str = "") -> Cell:
    """Run one command in a copy of the prepared workspace while a trouble lasts."""
    shutil.copytree(before.root, folder)
    server.reset()
    server.state = copy.deepcopy(before.state)
    scene = Scene(server=server, folder=folder, environment={}, n_before=_N_BEFORE[command])
    began, began_s = time.time(), time.monotonic()
    process, seconds = run_in_trouble(TROUBLES.get(trouble, no_trouble), scene, program(command, *more.split()))
    shown, errors = (folder / "out").read_text(), (folder / "err").read_text()
    done = [path.stat().st_mtime for path in folder.glob(_OWN_WORK[command]) if path.stat().st_mtime > began]
    data = (json.loads(shown)["data"] or {}) if shown else {}
    return Cell(
        exit_code=process.returncode,
        seconds=seconds,
        after_s=began + seconds - max(done) if done else None,
        starved_s=scene.starved[-1] if scene.starved else 0.0,
        since_signal_s=began_s + seconds - scene.struck[0] if scene.struck else None,
        warnings=tuple(data.get("warnings") or ()),
        tracker=str(data.get("tracker") or data.get("answered") or ""),
        errors=errors,
        ended_before=trouble in KILLED and process.returncode == 0,
    )
