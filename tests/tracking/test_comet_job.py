"""The whole job with Comet, seen from the server's side: with a key, without one, and from another machine."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from comet_server.calls import KEY
from comet_server.cells import settings_of
from comet_server.server import CometServer, Heard
from comet_server.state import Experiment, State

from mltrain import files
from mltrain.cli import main

# The client leaves temporary files and threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

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


def _write_project(folder: Path) -> None:
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


def _call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def patch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Give this machine a name that cannot be overlooked."""
    folder = tmp_path_factory.mktemp("patch")
    (folder / "sitecustomize.py").write_text(_PATCH)
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("COMET_")]:
            patch.delenv(name)
        patch.setenv("PYTHONPATH", str(folder))  # for the process that sends
        patch.setattr("socket.gethostname", lambda: HOST)
        patch.setattr("platform.node", lambda: HOST)
        yield patch


@pytest.fixture(autouse=True)
def _environment(comet_process: CometServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead what a test itself calls to the stand-in."""
    for name, value in settings_of(comet_process, tmp_path).items():
        monkeypatch.setenv(name, value)


def _job(server: CometServer, folder: Path, patch: pytest.MonkeyPatch, *calls: tuple[str, ...]) -> Job:
    """Call the program in a folder; the last call's document is the result."""
    log = folder.parent / f"{folder.name}.log"
    patch.chdir(folder)
    with log.open("w") as file, pytest.MonkeyPatch.context() as streams:
        for words in calls:
            document = io.StringIO()
            streams.setattr("sys.stdout", document)
            streams.setattr("sys.stderr", file)
            assert _call(*words, "--json") == 0, log.read_text()
            file.write(document.getvalue())
    result = json.loads(document.getvalue())["data"]
    return Job(folder=folder, state=server.state, heard=tuple(server.heard), shown=log.read_text(), result=result)


@pytest.fixture(scope="module")
def online(comet_process: CometServer, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Job:
    """Run the job with a key, then evaluate in a workspace that holds only the config and the data."""
    root = tmp_path_factory.mktemp("online")
    _write_project(root / "first")
    comet_process.reset()
    for name, value in settings_of(comet_process, root).items():
        patch.setenv(name, value)
    job = _job(comet_process, root / "first", patch, RUN)
    _job(comet_process, root / "first", patch, ("runs", "sync"))  # what a slow machine had no time for
    assert (comet_process.unknown, comet_process.violations) == ([], [])
    return Job(folder=job.folder, state=job.state, heard=tuple(comet_process.heard), shown=job.shown, result=job.result)


@pytest.fixture(scope="module")
def elsewhere(online: Job, comet_process: CometServer, patch: pytest.MonkeyPatch) -> Job:
    """Evaluate in a second workspace that holds only the config and the data."""
    second = online.folder.parent / "second"
    second.mkdir()
    shutil.copy(online.folder / "mltrain.yaml", second)
    shutil.copy(online.folder / "people.csv", second)
    shutil.copytree(online.folder / "data", second / "data")
    comet_process.reset()
    comet_process.state = online.state
    job = _job(comet_process, second, patch, ("evaluate",))
    _job(comet_process, second, patch, ("runs", "sync"))
    return Job(folder=job.folder, state=job.state, heard=tuple(comet_process.heard), shown=job.shown, result=job.result)


def test_each_model_is_an_experiment_with_its_trials(online: Job) -> None:
    for candidate in online.result["train"]["candidates"]:
        experiment = online.experiment("training", candidate["model"])
        steps = sorted(p["step"] for p in experiment.series("trial_score"))
        assert steps == ([] if candidate["model"] == "ensemble" else [0, 1])
        assert float(experiment.last_values()["validation_score"]) == candidate["validation_score"]
        assert experiment.others["mltrain.status"] == "finished"
        assert experiment.others["Name"] == candidate["run_id"]
        record = json.loads(experiment.file("run.json"))
        assert experiment.others["mltrain.data"] == record["data"]["fingerprint"]
        if candidate["model"] != "ensemble":
            assert pq.read_table(io.BytesIO(experiment.file("trials.parquet"))).num_rows == 2
            assert any(a.kind == "image" for a in experiment.assets)


def test_the_git_state_is_there_without_the_token(online: Job) -> None:
    for candidate in online.result["train"]["candidates"]:
        experiment = online.experiment("training", candidate["model"])
        commit = experiment.others["mltrain.git.commit"]
        assert len(commit) == 40
        assert experiment.others["mltrain.git.dirty"] == "true"
        assert {k: experiment.git[k] for k in ("parent", "branch", "origin")} == {
            "parent": commit,
            "branch": "refs/heads/main",
            "origin": "https://git.example/x.git",
        }
        patch = experiment.file("git.patch").decode()
        assert patch.startswith("left out: people.csv\n")
        assert '+A = 2\n+URL = "https://***@git.example/data"\n' in patch
        (native,) = (a.content for a in experiment.assets if a.kind == "git-patch")
        with zipfile.ZipFile(io.BytesIO(native)) as archive:
            assert archive.read("git_diff.patch").decode() == patch


def test_the_model_at_the_server_is_the_one_on_disk(online: Job) -> None:
    for candidate in online.result["train"]["candidates"]:
        experiment = online.experiment("training", candidate["model"])
        model = online.folder / "runs" / candidate["run_id"] / "model"
        here = {p.relative_to(model).as_posix(): p.read_bytes() for p in model.rglob("*") if p.is_file()}
        assert {a.name: a.content for a in experiment.assets if a.group == "model"} == here
        assert experiment.others["mltrain.manifest"] == files.sha256(model / "manifest.json")


def test_an_evaluation_is_a_child_with_figures_and_a_confusion_matrix(online: Job) -> None:
    champion = online.result["evaluate"]["champion"]
    parent, child = online.experiment("training", champion["model"]), online.experiment("evaluation", champion["model"])

    images = {Path(a.name).stem for a in child.assets if a.kind == "image"}
    (native,) = (json.loads(a.content) for a in child.assets if a.kind == "confusion-matrix")
    assert child.others["mltrain.parent"] == parent.others["mltrain.run_id"]
    assert child.others["mltrain.parent_key"] == parent.key
    assert parent.others["mltrain.evaluation"] == child.others["mltrain.run_id"]
    assert {"roc", "precision_recall", "calibration", "confusion_matrix"} <= images
    assert (native["labels"], native["matrix"]) == (["no", "yes"], online.result["evaluate"]["confusion"])
    for name, interval in online.result["evaluate"]["metrics"].items():
        assert float(child.last_values()[f"test_{name}"]) == interval["value"]
        assert float(parent.last_values()[f"test_{name}"]) == interval["value"]


def test_the_champion_is_a_version_with_tag_status_hash_and_scores(online: Job) -> None:
    champion = online.result["evaluate"]["champion"]
    parent = online.experiment("training", champion["model"])

    (version,) = online.state.versions
    assert (version.name, version.version, version.key) == ("churn", "1.0.0", parent.key)
    assert (version.tags, version.status) == (["champion"], "Production")
    assert version.metadata["mltrain.manifest"] == parent.others["mltrain.manifest"]
    assert version.metadata["mltrain.registered_version"] == "1"
    scores = {name: interval["value"] for name, interval in online.result["evaluate"]["metrics"].items()}
    assert {n: float(version.metadata[f"test_{n}"]) for n in scores} == scores


def test_another_workspace_evaluates_through_the_tracker_alone(online: Job, elsewhere: Job) -> None:
    champion = elsewhere.result["champion"]

    kept = elsewhere.folder / "runs" / champion["run_id"] / "model" / "manifest.json"
    assert champion["source"] == "tracker"
    assert elsewhere.result["metrics"] == online.result["evaluate"]["metrics"]
    assert files.sha256(kept) == online.experiment("training", champion["model"]).others["mltrain.manifest"]
    children = [e for e in elsewhere.state.experiments.values() if e.others["mltrain.kind"] == "evaluation"]
    assert len(children) == 2
    assert len({child.others["mltrain.parent_key"] for child in children}) == 1


def test_another_machine_pulls_and_verifies_the_champion(
    online: Job, comet_process: CometServer, patch: pytest.MonkeyPatch
) -> None:
    third = online.folder.parent / "third"
    third.mkdir()
    shutil.copy(online.folder / "mltrain.yaml", third)
    comet_process.reset()
    comet_process.state = online.state

    first, second = (_job(comet_process, third, patch, ("registry", "pull")).result for _ in range(2))
    _job(comet_process, third, patch, ("registry", "verify"), ("predict", str(online.folder / "people.csv"), "out.csv"))
    synced = _job(comet_process, third, patch, ("runs", "sync")).result

    assert (first["version"], first["tracker_version"], first["is_new"]) == ("1", "1.0.0", True)
    assert second == {**first, "is_new": False}
    assert synced["registered"] == {}
    model = third / "registry" / "churn" / "1" / "model"
    assert files.sha256(model / "manifest.json") == online.state.versions[0].metadata["mltrain.manifest"]
    assert len(pcsv.read_csv(third / "out.csv")) == 300

    (asset,) = (a for a in online.state.experiments[online.state.versions[0].key].assets if a.name == "schema.json")
    sound, asset.content = asset.content, asset.content + b" "
    shutil.rmtree(third / "registry")
    patch.chdir(third)
    assert _call("registry", "pull") == 3
    asset.content = sound
    assert not (third / "registry" / "churn" / "1").exists()


@pytest.fixture(scope="module")
def offline(comet_process: CometServer, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Job:
    """Run the job without a key; then get one and sync."""
    root = tmp_path_factory.mktemp("offline")
    _write_project(root / "first")
    comet_process.reset()
    for name, value in settings_of(comet_process, root).items():
        patch.setenv(name, value)
    patch.setenv("COMET_API_KEY", "")
    ran = _job(comet_process, root / "first", patch, RUN)
    assert ran.heard == ()
    assert "mltrain runs sync" in ran.shown
    patch.setenv("COMET_API_KEY", KEY)
    synced = _job(comet_process, root / "first", patch, ("runs", "sync"))
    assert (comet_process.unknown, comet_process.violations) == ([], [])
    return Job(
        folder=ran.folder,
        state=synced.state,
        heard=synced.heard,
        shown=ran.shown + synced.shown,
        result={"run": ran.result, "sync": synced.result},
    )


def test_what_was_done_offline_is_synced_once_and_registered(
    offline: Job, comet_process: CometServer, patch: pytest.MonkeyPatch
) -> None:
    champion, sync = offline.result["run"]["evaluate"]["champion"], offline.result["sync"]

    trained = {c["run_id"] for c in offline.result["run"]["train"]["candidates"]}
    assert trained < set(sync["synced"])
    assert (sync["pending"], sync["warnings"], sync["registered"]) == ([], [], {"1": "1.0.0"})
    assert {e.others["mltrain.run_id"] for e in offline.state.experiments.values()} == set(sync["synced"])
    assert len(offline.state.experiments) == len(sync["synced"])
    parent, child = (
        offline.experiment("training", champion["model"]),
        offline.experiment("evaluation", champion["model"]),
    )
    assert child.others["mltrain.parent_key"] == parent.key
    (version,) = offline.state.versions
    assert (version.key, version.version, version.tags) == (parent.key, "1.0.0", ["champion"])
    points = Counter((e.key, p["metricName"], p["step"]) for e in offline.state.experiments.values() for p in e.points)
    assert set(points.values()) == {1}

    comet_process.reset()
    comet_process.state = offline.state
    again = _job(comet_process, offline.folder, patch, ("runs", "sync"))

    assert (again.result["synced"], again.result["registered"]) == (sync["synced"], {})
    assert {h.path for h in again.heard} == {"/clientlib/isAlive/ver"}


@pytest.mark.parametrize("where", ["online", "elsewhere", "offline"])
def test_no_key_token_person_or_host_is_sent_shown_or_written(where: str, request: pytest.FixtureRequest) -> None:
    job: Job = request.getfixturevalue(where)

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
