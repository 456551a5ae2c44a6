"""mljar-supervised in its mode for competitions."""

from __future__ import annotations

from supervised import AutoML

from benchmarks.peers.contestants.task import deliver, mark, read_rows, read_task

METRICS = {"roc_auc": "auc", "log_loss": "logloss"}


def main() -> None:
    """Train and predict."""
    task = read_task()
    rows = read_rows(task.train)
    model = AutoML(
        mode="Compete",
        total_time_limit=round(task.budget_s),
        eval_metric=METRICS[task.metric],
        n_jobs=task.cores,
        random_state=task.seed,
        results_path=str(task.folder / "mljar"),
        verbose=0,
    )
    mark(task, "fit")
    model.fit(rows.drop(columns=task.target), rows[task.target])
    mark(task, "ready")
    details = {"models": len(model.get_leaderboard())}
    deliver(task, read_rows(task.test), model.predict_proba, classes=task.classes, details=details)


if __name__ == "__main__":
    main()
