"""AutoGluon's tabular predictor with the preset ``best_quality``; models are kept in memory for prediction."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

from benchmarks.peers.contestants.task import Task, deliver, mark, read_rows, read_task


def main() -> None:
    """Train and predict."""
    task = read_task()
    rows = read_rows(task.train)
    mark(task, "fit")
    started = time.monotonic()
    details: dict[str, Any] = {"tries": 1}
    try:
        model = fit(task, rows, seconds=task.budget_s, folder="autogluon")
    except (AssertionError, RuntimeError) as error:
        # Its trial run for stacking may find no model in a short time and take the main run along
        # ("Learner is already fit"). What is left of the budget then goes to a run without it, as a user would do.
        details = {"tries": 2, "first": str(error)}
        left_s = max(task.budget_s / 2, task.budget_s - (time.monotonic() - started))
        model = fit(task, rows, seconds=left_s, folder="again", dynamic_stacking=False)
    mark(task, "ready")
    model.persist()

    def predict(X: pd.DataFrame) -> np.ndarray:
        return np.asarray(model.predict_proba(X, as_pandas=False))

    details |= {"best": model.model_best, "models": len(model.model_names())}
    deliver(task, read_rows(task.test), predict, classes=model.class_labels, details=details)


def fit(task: Task, rows: pd.DataFrame, *, seconds: float, folder: str, **settings: bool) -> TabularPredictor:
    """Return a fitted predictor."""
    model = TabularPredictor(
        label=task.target,
        problem_type="binary" if task.is_binary else "multiclass",
        eval_metric=task.metric,
        path=str(task.folder / folder),
        verbosity=1,
    )
    return model.fit(rows, presets="best_quality", time_limit=seconds, num_cpus=task.cores, **settings)


if __name__ == "__main__":
    main()
