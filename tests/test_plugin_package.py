"""A package that somebody else installs brings a model family and a tracker; nothing of mltrain is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-mltrain"
version = "1.4"

[project.entry-points."mltrain.models"]
acme_centroids = "acme_mltrain.centroids:FAMILY"

[project.entry-points."mltrain.trackers"]
acme_log = "acme_mltrain.log:open_tracker"
"""
CENTROIDS = '''
"""A softmax over distances to the means of the classes."""

import json

import numpy as np

from mltrain.models import Fitted
from mltrain.space import Float


class Centroids:
    name = "acme_centroids"
    view = "ordinal"
    simplicity = 0
    parameters = frozenset({"sharpness"})

    def space(self, shape):
        return {"sharpness": Float(low=0.1, high=10.0, log=True)}

    def first_trials(self, shape):
        return ({"sharpness": 1.0},)

    def work(self, params, shape):
        return float(shape.n_samples * shape.n_features)

    def prepare(self, view, y, *, weights, folds, objective, threads=1, first=None):
        return view.X, y, folds, objective.n_classes

    def fit(self, prepared, fold, *, params, limits):
        X, y, folds, n_classes = prepared
        part = folds[fold]
        columns = slice(None) if part.features is None else part.features
        rows, labels = X[part.train][:, columns], y[part.train]
        scale = rows.std(axis=0) + 1e-6
        centers = np.stack([rows[labels == code].mean(axis=0) for code in range(n_classes)])
        model = {"centers": centers, "scale": scale, "sharpness": float(params["sharpness"])}
        return Fitted(model=model, n_rounds=1, valid_proba=self.predict_proba(model, X[part.valid][:, columns]))

    def predict_proba(self, model, X, *, threads=1):
        gaps = ((X[:, None, :] - model["centers"][None]) / model["scale"]) ** 2
        scores = -model["sharpness"] * gaps.mean(axis=2).astype(float)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def importances(self, model, n_features):
        return np.full(n_features, 1.0 / n_features)

    def dump(self, model):
        return json.dumps({k: np.asarray(v, dtype=float).tolist() for k, v in model.items()}).encode()

    def load(self, data):
        read = json.loads(data)
        return {"centers": np.array(read["centers"]), "scale": np.array(read["scale"]), "sharpness": read["sharpness"]}


FAMILY = Centroids()
'''
LOG = '''
"""A tracker that keeps its runs in folders of its own."""

from dataclasses import replace

from mltrain.tracking import local


def open_tracker(settings):
    tracker = local.open_tracker(replace(settings, directory=settings.directory / "acme"))
    tracker.name = "acme_log"
    return tracker
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was built and installed, without a network."""
    root = tmp_path_factory.mktemp("acme")
    package = root / "source" / "acme_mltrain"
    package.mkdir(parents=True)
    (root / "source" / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text("")
    (package / "centroids.py").write_text(CENTROIDS)
    (package / "log.py").write_text(LOG)
    build = "from hatchling.build import build_wheel; build_wheel('../wheels')"
    subprocess.run([sys.executable, "-c", build], cwd=root / "source", check=True, capture_output=True)
    (wheel,) = (root / "wheels").glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(root / "site")]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return root / "site"


def _mltrain(site: Path, folder: Path, *words: str) -> dict[str, object]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")} | {"PYTHONPATH": str(site)}
    ended = subprocess.run(
        [sys.executable, "-m", "mltrain", *words, "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["data"]


def test_what_it_brings_is_listed_with_its_package(site: Path, tmp_path: Path) -> None:
    found = {plugin["name"]: plugin for plugin in _mltrain(site, tmp_path, "plugins")["plugins"]}

    for name, group in (("acme_centroids", "models"), ("acme_log", "trackers")):
        assert found[name]["group"] == group
        assert found[name]["distribution"] == "acme-mltrain 1.4"
        assert found[name]["problem"] is None


def test_its_model_and_its_tracker_do_the_whole_job(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mltrain.yaml").write_text(
        "data:\n  source: example:breast_cancer\n  target: diagnosis\n"
        "train:\n  supported_models: [acme_centroids]\n  experiment_tracker: acme_log\n"
        "evaluate:\n  n_bootstrap: 50\n  figures: false\n"
    )

    result = _mltrain(site, tmp_path, "run", "--max-trials", "2")

    (candidate,) = result["train"]["candidates"]
    assert candidate["model"] == "acme_centroids"
    assert result["train"]["tracker"].startswith("acme_log")
    assert result["evaluate"]["champion"]["source"] == "tracker"
    assert result["evaluate"]["metrics"]["roc_auc"]["value"] > 0.9
    assert result["register"]["version"] == "1"
    assert list((tmp_path / "runs" / ".trackers" / "acme_log" / "acme").glob("acme_centroids-*"))
