"""The whole job with Comet in a project with secrets, and what it left: at the server, in the folder, on the screen."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from comet_server.calls import KEY
from comet_server.server import CometServer, Heard
from comet_server.state import Experiment, State

from mltrain.cli import main

TOKEN, HOST, PERSON = "planted-git-token", "planted-host-name", "@private.example"
RUN = ("run", "--max-trials", "2")
CONFIG = """
data: {source: people.csv, target: left, id_columns: [email]}
train: {supported_models: [logistic_regression, lgbm], project_name: churn, workspace_name: team, git_patch: true}
evaluate: {n_bootstrap: 20}
"""
_PATCH = f"""
import platform, socket
socket.gethostname = platform.node = lambda: "{HOST}"
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a job left: at the server, in the folder and on the screen."""

    folder: Path
    state: State
    heard: tuple[Heard, ...]
    shown: str
    result: dict[str, Any]

    def experiment(self, kind: str, model: str) -> Experiment:
        """Return the one experiment of a kind for a model that began in this folder."""
        wanted = {"mltrain.kind": kind, "mltrain.model": model}
        matching = [e for e in self.state.experiments.values() if wanted.items() <= e.others.items()]
        (found,) = (e for e in matching if (self.folder / "runs" / e.others["mltrain.run_id"]).is_dir())
        return found


@contextmanager
def named_machine(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Give this machine a name that cannot be overlooked, and no settings of Comet."""
    (folder / "sitecustomize.py").write_text(_PATCH)
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("COMET_")]:
            patch.delenv(name)
        patch.setenv("PYTHONPATH", str(folder))  # for the process that sends
        patch.setattr("socket.gethostname", lambda: HOST)
        patch.setattr("platform.node", lambda: HOST)
        yield patch


def write_project(folder: Path) -> None:
    """Write a table with people in it, and a repository whose remote has a token; both have uncommitted changes."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    x = rng.normal(size=300)
    left = np.where(x + rng.normal(size=300) / 2 > 0.5, "yes", "no")
    people = [f"person{n:04d}{PERSON}" for n in range(300)]
    table = pa.table({"email": people, "x": x, "left": left})
    pcsv.write_csv(table.slice(0, 0), folder / "people.csv")
    (folder / "features.py").write_text("A = 1\n")
    (folder / "mltrain.yaml").write_text(CONFIG)
    for words in (
        ["init", "-q", "--initial-branch", "main"],
        ["remote", "add", "origin", f"https://bob:{TOKEN}@git.example/x.git"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "start"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    pcsv.write_csv(table, folder / "people.csv")
    (folder / "features.py").write_text(f'A = 2\nURL = "https://bob:{TOKEN}@git.example/data"\n')


def exit_code_of(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def run_job(server: CometServer, folder: Path, patch: pytest.MonkeyPatch, *calls: tuple[str, ...]) -> Job:
    """Call the program in a folder; the last call's document is the result."""
    log = folder.parent / f"{folder.name}.log"
    patch.chdir(folder)
    with log.open("w") as file, pytest.MonkeyPatch.context() as streams:
        for words in calls:
            document = io.StringIO()
            streams.setattr("sys.stdout", document)
            streams.setattr("sys.stderr", file)
            assert exit_code_of(*words, "--json") == 0, log.read_text()
            file.write(document.getvalue())
    result = json.loads(document.getvalue())["data"]
    return Job(folder=folder, state=server.state, heard=tuple(server.heard), shown=log.read_text(), result=result)


def assert_no_secret(job: Job) -> None:
    """Look for a key, a token, a person and a host in all that was sent, shown or written."""
    left = {str(p): p.read_bytes() for p in job.folder.rglob("*") if p.is_file() and ".git" not in p.parts}
    left.pop(str(job.folder / "features.py"), None)  # the user's own file
    for name in ("people.csv", "train.parquet", "validation.parquet", "test.parquet"):
        found = [path for path in left if path.endswith(f"/{name}")]  # the rows themselves
        assert found
        for path in found:
            del left[path]
    sent = {f"{h.method} {h.path} {n}": _without_login(h) for n, h in enumerate(job.heard)}
    assert any("multipart" in h.headers.get("Content-Type", "") for h in job.heard)
    for name, content in {**left, **sent, "shown": job.shown.encode()}.items():
        for inner in _unpacked(content):
            for secret in (KEY, TOKEN, HOST, PERSON):
                assert secret.encode() not in inner, f"{secret} in {name}"


def _without_login(heard: Heard) -> bytes:
    """Return all of a request but the two places in which the service expects the key."""
    headers = {k: v for k, v in heard.headers.items() if k != "Authorization"}
    body = re.sub(rb'"api_?key":\s*"\w+"', b"", heard.body, flags=re.IGNORECASE)
    return f"{heard.path} {heard.query} {headers}".encode() + body


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Yield a content, what is in it when it is an archive, and the cells when it is a table."""
    yield content
    start = content.find(b"PK\x03\x04")
    if start >= 0:
        try:
            with zipfile.ZipFile(io.BytesIO(content[start:])) as archive:
                for name in archive.namelist():
                    yield from _unpacked(archive.read(name))
        except zipfile.BadZipFile:
            return
    if content[:4] == b"PAR1":
        yield str(pq.read_table(io.BytesIO(content)).to_pydict()).encode()
