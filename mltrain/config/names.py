"""Other names for the same thing: class names and documented synonyms, resolved without an import."""

from __future__ import annotations

FAMILIES = {
    "LGBMClassifier": "lgbm",
    "lightgbm": "lgbm",
    "XGBClassifier": "xgboost",
    "xgb": "xgboost",
    "RandomForestClassifier": "random_forest",
    "rf": "random_forest",
    "LogisticRegression": "logistic_regression",
    "lr": "logistic_regression",
    "CatBoostClassifier": "catboost",
    "VotingClassifier": "ensemble",
}
METRICS = {
    "fbeta": "fbeta_score",
    "f1_score": "f1",
    "roc_auc_score": "roc_auc",
    "auc": "roc_auc",
    "neg_log_loss": "log_loss",
    "accuracy_score": "accuracy",
    "precision_score": "precision",
    "recall_score": "recall",
    "balanced_accuracy_score": "balanced_accuracy",
    "average_precision_score": "average_precision",
    "pr_auc": "average_precision",
    "brier_score_loss": "brier",
    "neg_brier_score": "brier",
    "matthews_corrcoef": "mcc",
    "ece": "calibration_error",
}
TRACKERS = {"comet": "comet_ml", "comet-ml": "comet_ml"}


def family_name(name: object) -> object:
    """Return the registered name of a model family, given any of its names."""
    return FAMILIES.get(name, name) if isinstance(name, str) else name


def metric_name(name: object) -> object:
    """Return the registered name of a metric, given any of its names."""
    return METRICS.get(name, name) if isinstance(name, str) else name


def tracker_name(name: object) -> object:
    """Return the registered name of a tracker, given any of its names."""
    return TRACKERS.get(name, name) if isinstance(name, str) else name
