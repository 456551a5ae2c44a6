"""CatBoost where it cannot be watched, on a GPU or without one, and where it is not installed; its first trials."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from catboost.utils import get_gpu_device_count
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss

from mltrain.errors import EnvironmentRefusal, PluginError
from mltrain.models import Fold, Limits, Objective, Shape, View
from mltrain.models.catboost import FAMILY
from mltrain.models.catboost.data import fold_pools
from mltrain.models.catboost.loop import boost
from mltrain.models.rounds import RoundWatch
from mltrain.testing.family_data import make_folds, make_rows

_WITHOUT_CATBOOST = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "catboost":
            raise ModuleNotFoundError("No module named 'catboost'", name="catboost")

sys.meta_path.insert(0, Missing())
"""


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    even = np.arange(y.size) % 2 == 0
    return X.astype(np.float32), y.astype(np.int64), Fold(train=np.flatnonzero(even), valid=np.flatnonzero(~even))


def _prepare(X, y, *, folds, categorical=(), n_classes=None, weights=None):
    names = tuple(f"f{i}" for i in range(X.shape[1]))
    view = View(kind="native", X=X, feature_names=names, categorical=categorical)
    objective = Objective(n_classes=n_classes or int(y.max()) + 1)
    return FAMILY.prepare(view, y, weights=weights, folds=folds, objective=objective)


def test_a_fit_that_nobody_can_interrupt_ends_as_one_that_was_watched(cancer):
    X, y, fold = cancer
    prepared = _prepare(X, y, folds=[fold])
    data = fold_pools(prepared, 0, quantizing={}, threads=1)
    params = {"loss_function": "Logloss", "learning_rate": 0.3, "logging_level": "Silent", "allow_writing_files": False}
    watches = [RoundWatch(limits=Limits(seed=0), n_samples=data.n_train) for _ in range(2)]

    watched, blind = (
        boost(
            data,
            params={**params, "use_best_model": False},
            n_rounds=450,
            look_every=2,
            watch=watch,
            is_interruptible=can,
        )
        for watch, can in zip(watches, (True, False), strict=True)
    )

    assert watched.stopped == blind.stopped == "early"
    assert watches[0].best_round == watches[1].best_round
    assert watches[0].curve() == watches[1].curve()


def test_a_fit_that_nobody_can_interrupt_takes_the_rounds_that_it_has_time_for(cancer):
    X, y, fold = cancer
    data = fold_pools(_prepare(X, y, folds=[fold]), 0, quantizing={}, threads=1)
    params = {"loss_function": "Logloss", "logging_level": "Silent", "allow_writing_files": False}
    watch = RoundWatch(limits=Limits(seed=0, deadline=time.monotonic() + 0.2), n_samples=data.n_train)

    boosted = boost(
        data,
        params={**params, "use_best_model": False},
        n_rounds=1_000_000,
        look_every=5_000,
        watch=watch,
        is_interruptible=False,
    )

    assert boosted.model.tree_count_ < 1_000_000


@pytest.mark.skipif(get_gpu_device_count() > 0, reason="this machine has a gpu")
def test_a_machine_without_gpu_is_refused():
    rows = make_rows("native", n_classes=2)
    objective = Objective(n_classes=2, device="gpu")

    with pytest.raises(EnvironmentRefusal, match="gpu") as caught:
        FAMILY.prepare(rows.view, rows.y, weights=None, folds=make_folds(rows), objective=objective)

    assert caught.value.where == "train.device"


@pytest.mark.skipif(get_gpu_device_count() == 0, reason="needs an NVIDIA GPU: catboost counts none")
@pytest.mark.parametrize("n_classes", [2, 4])
def test_it_learns_on_the_gpu_what_it_learns_on_the_cpu(n_classes):
    rows = make_rows("native", n_classes=n_classes)
    folds = make_folds(rows)

    losses = []
    for device in ("cpu", "gpu"):
        objective = Objective(n_classes=n_classes, device=device)
        prepared = FAMILY.prepare(rows.view, rows.y, weights=None, folds=folds, objective=objective)
        limits = Limits(seed=0, max_rounds=30, deadline=time.monotonic() + 60)
        fitted = FAMILY.fit(prepared, 0, params={}, limits=limits)
        losses.append(log_loss(rows.y[folds[0].valid], fitted.valid_proba))

    assert losses[1] == pytest.approx(losses[0], abs=0.05)  # other borders, sums in another order


@pytest.mark.parametrize(
    "shape",
    [
        Shape(n_samples=30, n_features=1, n_classes=2),
        Shape(n_samples=640, n_features=20, n_classes=2, n_categorical=13),
        Shape(n_samples=22_000, n_features=8, n_classes=26, n_categorical=2),
        Shape(n_samples=2_000_000, n_features=30, n_classes=2),
    ],
    ids=str,
)
def test_first_trials_are_different_points_of_the_space(shape):
    space, trials = FAMILY.space(shape), FAMILY.first_trials(shape)

    assert all(list(trial) == list(space) for trial in trials)
    assert all(space[name].low <= value <= space[name].high for trial in trials for name, value in trial.items())
    assert all(one != other for one, other in combinations(trials, 2))


def test_the_first_trial_is_the_cheapest():
    shape = Shape(n_samples=20_000, n_features=14, n_classes=2, n_categorical=8)

    work = [FAMILY.work(trial, shape) for trial in FAMILY.first_trials(shape)]

    assert work[0] == min(work)


def test_without_the_extra_one_line_names_what_to_install(tmp_path: Path):
    program = _WITHOUT_CATBOOST + "from mltrain.cli import main; sys.argv = ['mltrain', *sys.argv[1:]]; main()"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMET")}
    (tmp_path / "mltrain.yaml").write_text(
        "data: {source: 'example:breast_cancer', target: target}\ntrain: {experiment_tracker: local}\n"
    )

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    asked = run("train", "--model", "catboost")
    listed = run("plugins")

    assert asked.returncode == PluginError.exit_code
    assert "-m pip install 'catboost>=" in asked.stderr
    assert "Traceback" not in asked.stderr
    assert listed.returncode == 0
    assert "catboost" in listed.stdout
