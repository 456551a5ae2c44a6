"""The promises that only a real library can break: the same bits twice, and after a kill."""

from __future__ import annotations

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

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_real_family import make_job, run
run(make_job(12), slots=2, journal_dir=Path({journal!r}))
"""


def make_job(max_trials: int) -> SearchJob:
    family = plugins.load("models", "lgbm")
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:240, :10].astype(np.float32), y[:240].astype(np.int64)
    rows = np.arange(len(y))
    shape = Shape(n_samples=len(y), n_features=10, n_classes=2)
    return SearchJob(
        name="lgbm",
        family=family,
        y=y,
        objective=Objective(n_classes=2),
        metric=resolve("roc_auc", n_classes=2),
        view=View(kind="native", X=X, feature_names=tuple(f"f{n}" for n in range(10))),
        data_key="cancer",
        folds=tuple(Fold(train=rows[rows % 3 != part], valid=rows[rows % 3 == part]) for part in range(3)),
        space=family.space(shape),
        first_trials=tuple(family.first_trials(shape))[:3],
        fixed={"num_iterations": 60},
        seed=11,
        max_trials=max_trials,
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


@pytest.fixture(scope="module")
def wanted():
    return bits(run(make_job(12), slots=2))


def test_two_searches_agree_to_the_last_bit(wanted):
    assert bits(run(make_job(12), slots=1)) == wanted
    assert max(score for _, _, score, *_ in wanted if score is not None) > 0.95


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_loses_no_finished_trial(wanted, tmp_path):
    program = PROGRAM.format(folder=str(Path(__file__).parent), journal=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", program])
    n_finished = kill_after(process, tmp_path, n_trials=3)

    study = run(make_job(12), slots=2, journal_dir=tmp_path)

    assert study.n_resumed >= n_finished
    assert bits(study) == wanted


def kill_after(process: subprocess.Popen, folder: Path, *, n_trials: int) -> int:
    """Kill a search when its journal has some trials; return how many it had."""
    n_finished, patience = 0, time.monotonic() + 60
    while n_finished < n_trials and process.poll() is None and time.monotonic() < patience:
        n_finished = sum(path.read_bytes().count(b"\n") - 1 for path in folder.glob("*/journal.jsonl"))
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return n_finished
