"""mltrain as a user runs it: `split`, then `train --budget`, then the best candidate on the leaderboard predicts.

The clock runs from the start of `mltrain train` to its exit. mltrain always keeps a sealed test split; what it gets as
`data.test_source` is a copy of a few training rows, so it trains on the same rows as its peers. `train` never opens it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers.contestants.task import Task, deliver, mark, ordered, read_task

SEALED_ROWS = 200
MODELS = ["logistic_regression", "random_forest", "lgbm", "xgboost", "catboost"]


def main() -> None:
    """Train and predict."""
    task = read_task()
    write_config(task)
    started = time.monotonic()
    call(task, "split")
    split_s = time.monotonic() - started
    mark(task, "fit")
    found = call(task, "train", "--budget", f"{task.budget_s:g}s")
    mark(task, "ready")
    predict_all(task, found, split_s=split_s)


def write_config(task: Task) -> None:
    """Write mltrain.yaml and the file of the sealed split."""
    rows = pd.read_parquet(task.train)
    sealed_rows(rows, task.target).to_parquet(task.folder / "sealed.parquet", index=False)
    config = {
        "seed": task.seed,
        "data": {"source": str(task.train), "target": task.target, "test_source": "sealed.parquet"},
        "train": {"experiment_tracker": "local", "n_jobs": task.cores, "supported_models": MODELS},
    }
    # JSON is YAML.
    (task.folder / "mltrain.yaml").write_text(json.dumps(config))


def sealed_rows(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return a copy of about 200 rows, each class's share of them, at least two of a class."""
    share = min(1.0, SEALED_ROWS / len(rows))
    classes = rows.groupby(target, group_keys=False)
    sizes = classes[target].transform("size")
    sealed: pd.DataFrame = rows[classes.cumcount() < np.maximum(2, np.ceil(share * sizes))]
    return sealed


def call(task: Task, *arguments: str) -> dict[str, Any]:
    """Run one command and return its data; its words go where ours go."""
    command = [sys.executable, "-m", "mltrain", *arguments, "--json"]
    done = subprocess.run(command, cwd=task.folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}")
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


def predict_all(task: Task, found: dict[str, Any], *, split_s: float) -> None:
    """Let the champion predict as the contestant, and each candidate for the table that compares them."""
    import mltrain

    X = pd.read_parquet(task.test)
    candidates = found["candidates"]
    for candidate in candidates:
        model = mltrain.load_model(task.folder / "runs" / candidate["run_id"] / "model")
        proba = ordered(model.predict_proba(X), list(model.classes_), task.classes)
        np.save(task.folder / f"proba_{candidate['model']}.npy", proba)
    champion = mltrain.load_model(task.folder / "runs" / candidates[0]["run_id"] / "model")
    details = {
        "split_s": split_s,
        "reported_s": found["seconds"],
        "validation": found["validation"],
        "metric": found["metric"],
        "champion": candidates[0]["model"],
        "candidates": candidates,
        "left_out": found["left_out"],
    }
    deliver(task, X, champion.predict_proba, classes=champion.classes_, details=details)


if __name__ == "__main__":
    main()
