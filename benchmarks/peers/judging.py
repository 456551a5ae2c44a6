"""What the judge makes of probabilities: four scores, the same for everybody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

METRICS = ("roc_auc", "log_loss", "accuracy", "brier")
GREATER_IS_BETTER = {"roc_auc": True, "log_loss": False, "accuracy": True, "brier": False}
# Probabilities are clipped here before the logarithm: some contestants compute in single precision.
EPSILON = 1e-7


def judge(proba: NDArray[np.float64], codes: NDArray[np.intp]) -> dict[str, float]:
    """Return the scores of probabilities.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Rows are made to sum to 1.
    codes : ndarray of shape (n_samples,)
        Positions of the true classes.

    Returns
    -------
    dict of str to float
        ROC AUC (one against the rest, plain mean over classes, for more than two), log loss, accuracy of the most
        probable class, and Brier score (two classes: of the second; more: summed over classes).

    Raises
    ------
    ValueError
        The shape is wrong, or a probability is no number.
    """
    n_classes = int(codes.max()) + 1
    if proba.ndim != 2 or len(proba) != len(codes) or proba.shape[1] < n_classes or not np.isfinite(proba).all():
        raise ValueError(f"probabilities of shape {proba.shape} for {len(codes)} rows of {n_classes} classes")
    clipped = np.clip(proba, EPSILON, 1.0)
    clipped /= clipped.sum(axis=1, keepdims=True)
    truth = np.eye(proba.shape[1])[codes]
    is_binary = proba.shape[1] == 2
    squares = (clipped - truth) ** 2
    return {
        "roc_auc": float(
            roc_auc_score(codes, proba[:, 1]) if is_binary else roc_auc_score(truth, proba, average="macro")
        ),
        "log_loss": float(log_loss(codes, clipped, labels=np.arange(proba.shape[1]))),
        "accuracy": float(np.mean(clipped.argmax(axis=1) == codes)),
        "brier": float(squares[:, 1].mean() if is_binary else squares.sum(axis=1).mean()),
    }
