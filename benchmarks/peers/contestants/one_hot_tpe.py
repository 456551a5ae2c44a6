"""The replaced project's method, rebuilt from its description.

One-hot encoding once, Optuna's TPE over a narrow LightGBM space with class weights, one holdout, scikit-learn's
interface with its default threads, and a refit of the best parameters on all rows.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import lightgbm
import numpy as np
import optuna
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder

from benchmarks.peers.contestants.dates import with_date_parts
from benchmarks.peers.contestants.task import Task, deliver, mark, read_rows, read_task

MAX_LEVELS = 1000


def main() -> None:
    """Train and predict."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    task = read_task()
    rows = with_date_parts(read_rows(task.train))
    y = rows.pop(task.target)
    mark(task, "fit")
    started = time.monotonic()
    encoder = make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore", max_categories=MAX_LEVELS),
            make_column_selector(dtype_exclude="number"),
        ),
        remainder="passthrough",
    )
    X = encoder.fit_transform(rows)
    search = Search(task, X, y.to_numpy())
    study = search.run(task.budget_s - (time.monotonic() - started))
    model = classifier(study.best_params, task.seed).fit(X, y.to_numpy())
    mark(task, "ready")
    X_test = with_date_parts(read_rows(task.test))
    deliver(
        task,
        X_test,
        lambda Z: model.predict_proba(encoder.transform(Z)),
        classes=model.classes_,
        details={"trials": len(study.trials), "validation_score": study.best_value},
    )


class Search:
    """Trials on one holdout."""

    def __init__(self, task: Task, X: Any, y: np.ndarray) -> None:
        self.task = task
        self.slowest_s = 0.0
        parts = train_test_split(X, y, test_size=0.2, stratify=y, random_state=task.seed)
        self.X_train, self.X_valid, self.y_train, self.y_valid = parts

    def run(self, seconds: float) -> optuna.Study:
        """Return the study after so many seconds, the refit's among them: it takes as long as the slowest trial."""
        deadline = time.monotonic() + seconds
        sampler = optuna.samplers.TPESampler(seed=self.task.seed)
        study = optuna.create_study(direction="maximize" if self.task.is_binary else "minimize", sampler=sampler)
        study.optimize(self.score, n_trials=1)
        while time.monotonic() + 2 * self.slowest_s < deadline:
            study.optimize(self.score, n_trials=1)
        return study

    def score(self, trial: optuna.Trial) -> float:
        """Return a trial's score on the holdout."""
        started = time.monotonic()
        model = classifier(narrow(trial), self.task.seed).fit(self.X_train, self.y_train)
        proba = model.predict_proba(self.X_valid)
        self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        if self.task.is_binary:
            return float(roc_auc_score(self.y_valid == model.classes_[1], proba[:, 1]))
        return float(log_loss(self.y_valid, proba, labels=model.classes_))


def narrow(trial: optuna.Trial) -> dict[str, Any]:
    """Return parameters from a narrow space."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 50, 300),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 15, 63),
        "max_depth": trial.suggest_int("max_depth", 3, 10),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 60),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.6, 1.0),
    }


def classifier(params: dict[str, Any], seed: int) -> lightgbm.LGBMClassifier:
    """Return LightGBM with class weights and its default threads."""
    return lightgbm.LGBMClassifier(**params, subsample_freq=1, class_weight="balanced", random_state=seed, verbose=-1)


if __name__ == "__main__":
    main()
