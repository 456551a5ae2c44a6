"""The promises that only a real library can break: the same bits on any number of cores, and after a kill."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from mltrain import plugins
from mltrain.metrics import resolve
from mltrain.models import Fold, Objective, Shape, View
from mltrain.search import Ends, LocalExecutor, SearchJob, search
from mltrain.testing.family_data import make_many_rows

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_real_family import make_job, run
run(make_job("lgbm"), slots=2, journal_dir=Path({journal!r}))
"""
FEW_ROUNDS = {
    "lgbm": {"num_iterations": 40},
    "xgboost": {"n_estimators": 20},
    "catboost": {"iterations": 20},
    "random_forest": {"n_estimators": 8},
    "logistic_regression": {"max_iter": 20},
}


def make_job(name: str, *, n_trials: int = 10) -> SearchJob:
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:240, :10].astype(np.float32), y[:240].astype(np.int64)
    rows = np.arange(len(y))
    folds = tuple(Fold(train=rows[rows % 3 != part], valid=rows[rows % 3 == part]) for part in range(3))
    return job_of(name, X, y, folds=folds, n_trials=n_trials)


def make_large_job(name: str) -> SearchJob:
    """Return a search on 300,000 cells, whose threads are worth measuring."""
    rows = make_many_rows("native", n_classes=2)
    X, y = rows.view.X[:15_000], rows.y[:15_000]
    fold = Fold(train=np.arange(12_000), valid=np.arange(12_000, 15_000))
    return job_of(name, X, y, folds=(fold,), n_trials=4)


def job_of(name: str, X, y, *, folds: tuple[Fold, ...], n_trials: int) -> SearchJob:
    family = plugins.load("models", name)
    n_samples, n_features = X.shape
    shape = Shape(n_samples=n_samples, n_features=n_features, n_classes=2)
    return SearchJob(
        name=name,
        family=family,
        y=y,
        objective=Objective(n_classes=2),
        metric=resolve("roc_auc", n_classes=2),
        view=View(kind=family.view, X=X, feature_names=tuple(f"f{n}" for n in range(n_features))),
        data_key="real",
        folds=folds,
        space=family.space(shape),
        first_trials=tuple(family.first_trials(shape))[:3],
        fixed=FEW_ROUNDS[name],
        seed=11,
        max_trials=n_trials,
        lag=3,
    )


def run(job: SearchJob, *, slots: int, journal_dir: Path | None = None):
    with LocalExecutor(slots) as executor:
        (study,) = search((job,), executor=executor, journal_dir=journal_dir, ends=Ends(deadline=None))
    return study


def bits(study) -> list[tuple[object, ...]]:
    return [
        (
            t.number,
            t.state,
            t.score,
            t.params,
            t.fold_scores,
            t.n_rounds,
            None if t.proba is None else t.proba.tobytes(),
        )
        for t in study.trials
    ]


@pytest.mark.parametrize("name", FEW_ROUNDS)
def test_one_two_and_four_slots_agree_to_the_last_bit(name):
    wanted = bits(run(make_job(name), slots=1))

    assert bits(run(make_job(name), slots=2)) == wanted
    assert bits(run(make_job(name), slots=4)) == wanted
    assert max(score for _, _, score, *_ in wanted if score is not None) > 0.9


@pytest.mark.parametrize(
    ("name", "threads"),
    [("lgbm", 2), ("xgboost", 2), ("random_forest", 2), ("catboost", 1), ("logistic_regression", 1)],
)
def test_fits_of_as_many_threads_as_there_are_agree_with_those_of_one(name, threads, monkeypatch):
    alone = run(make_large_job(name), slots=1)
    # Whatever is measured, all threads win.
    monkeypatch.setattr("mltrain.search.threads._NO_FASTER", math.inf)
    monkeypatch.setattr("mltrain.search.threads._WORTH_SPLITTING", math.inf)
    monkeypatch.setattr("mltrain.search.threads._PROBE_S", math.inf)

    wide = run(make_large_job(name), slots=2)

    assert {trial.threads for trial in alone.trials} == {1}
    assert {trial.threads for trial in wide.trials} == {threads}
    assert bits(wide) == bits(alone)


def test_every_family_is_tried():
    assert set(FEW_ROUNDS) == set(plugins.names("models"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_loses_no_finished_trial(tmp_path):
    program = PROGRAM.format(folder=str(Path(__file__).parent), journal=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", program])
    n_finished = kill_after(process, tmp_path, n_trials=3)

    study = run(make_job("lgbm"), slots=2, journal_dir=tmp_path)

    assert study.n_resumed >= n_finished
    assert bits(study) == bits(run(make_job("lgbm"), slots=2))


def kill_after(process: subprocess.Popen, folder: Path, *, n_trials: int) -> int:
    """Kill a search when its journal has some trials; return how many it had."""
    n_finished, patience = 0, time.monotonic() + 60
    while n_finished < n_trials and process.poll() is None and time.monotonic() < patience:
        n_finished = sum(path.read_bytes().count(b"\n") - 1 for path in folder.glob("*/journal.jsonl"))
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return n_finished
