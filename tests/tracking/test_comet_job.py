"""The whole job with Comet and a key, seen from the server's side, and from other machines."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from comet_job import RUN, Job, assert_no_secret, exit_code_of, run_job, write_project
from comet_server.cells import settings_of
from comet_server.server import CometServer

from mltrain import files

# The client leaves temporary files and threads to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("comet_environment"),
]


@pytest.fixture(scope="module")
def online(comet_process: CometServer, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Job:
    """Run the job with a key, then evaluate in a workspace that holds only the config and the data."""
    root = tmp_path_factory.mktemp("online")
    write_project(root / "first")
    comet_process.reset()
    for name, value in settings_of(comet_process, root).items():
        patch.setenv(name, value)
    job = run_job(comet_process, root / "first", patch, RUN)
    run_job(comet_process, root / "first", patch, ("runs", "sync"))  # what a slow machine had no time for
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
    job = run_job(comet_process, second, patch, ("evaluate",))
    run_job(comet_process, second, patch, ("runs", "sync"))
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

    first, second = (run_job(comet_process, third, patch, ("registry", "pull")).result for _ in range(2))
    run_job(
        comet_process, third, patch, ("registry", "verify"), ("predict", str(online.folder / "people.csv"), "out.csv")
    )
    synced = run_job(comet_process, third, patch, ("runs", "sync")).result

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
    assert exit_code_of("registry", "pull") == 3
    asset.content = sound
    assert not (third / "registry" / "churn" / "1").exists()


@pytest.mark.parametrize("where", ["online", "elsewhere"])
def test_no_key_token_person_or_host_is_sent_shown_or_written(where: str, request: pytest.FixtureRequest) -> None:
    assert_no_secret(request.getfixturevalue(where))
