"""LightGBM as it is: defaults, native categories, stopped early by its own loss on a fifth of the rows, or by time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightgbm
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks.peers.contestants.dates import with_date_parts
from benchmarks.peers.contestants.task import deliver, mark, read_rows, read_task

ROUNDS, PATIENCE = 10_000, 50


def main() -> None:
    """Train and predict."""
    task = read_task()
    rows = with_date_parts(read_rows(task.train))
    y = rows.pop(task.target)
    levels = {name: pd.Index(rows[name].dropna().unique()) for name in rows.select_dtypes(exclude="number").columns}
    mark(task, "fit")
    parts = train_test_split(as_categories(rows, levels), y, test_size=0.2, stratify=y, random_state=task.seed)
    X_train, X_valid, y_train, y_valid = parts
    model = lightgbm.LGBMClassifier(n_estimators=ROUNDS, n_jobs=task.cores, random_state=task.seed, verbose=-1)
    model.fit(
        X_train,
        y_train,
        eval_set=[(X_valid, y_valid)],
        callbacks=[
            lightgbm.early_stopping(PATIENCE, verbose=False),
            until(time.monotonic() + task.budget_s),
        ],
    )
    mark(task, "ready")
    X_test = with_date_parts(read_rows(task.test))
    deliver(
        task,
        X_test,
        lambda X: model.predict_proba(as_categories(X, levels)),
        classes=model.classes_,
        details={"rounds": model.best_iteration_},
    )


def as_categories(rows: pd.DataFrame, levels: dict[str, pd.Index]) -> pd.DataFrame:
    """Return the rows with text as categories; a level that was not learnt is missing."""
    return rows.assign(**{name: pd.Categorical(rows[name], categories=known) for name, known in levels.items()})


def until(deadline: float) -> Callable[[Any], None]:
    """Return a callback that ends the training at a `time.monotonic` value."""

    def stop(env: Any) -> None:
        if time.monotonic() >= deadline:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    stop.order = 40  # type: ignore[attr-defined]
    return stop


if __name__ == "__main__":
    main()
