"""FLAML with its own defaults, a time budget and the metric of the task."""

from __future__ import annotations

from flaml import AutoML

from benchmarks.peers.contestants.task import deliver, mark, read_rows, read_task


def main() -> None:
    """Train and predict."""
    task = read_task()
    rows = read_rows(task.train)
    model = AutoML()
    mark(task, "fit")
    model.fit(
        X_train=rows.drop(columns=task.target),
        y_train=rows[task.target],
        task="classification",
        metric=task.metric,
        time_budget=task.budget_s,
        n_jobs=task.cores,
        seed=task.seed,
        verbose=0,
        log_file_name="",
    )
    mark(task, "ready")
    details = {"best": model.best_estimator, "validation_loss": float(model.best_loss)}
    deliver(task, read_rows(task.test), model.predict_proba, classes=model.classes_, details=details)


if __name__ == "__main__":
    main()
