"""PNG figures of evaluations and searches; the only package that imports matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mltrain.data import Label
from mltrain.figures.blocks import draw_confusion_matrix, draw_feature_importance
from mltrain.figures.classes import draw_class_scores
from mltrain.figures.predictions import Predictions
from mltrain.figures.ranked import draw_precision_recall, draw_roc, draw_threshold_curve
from mltrain.figures.searched import TrialPoint, draw_losses, draw_optimisation_history, has_score
from mltrain.figures.shares import draw_calibration, draw_score_histogram
from mltrain.metrics import Codes, Floats

__all__ = ["TrialPoint", "draw_evaluation", "draw_learning_curve", "draw_search"]

_ALWAYS = {
    "roc": draw_roc,
    "precision_recall": draw_precision_recall,
    "calibration": draw_calibration,
    "confusion_matrix": draw_confusion_matrix,
    "score_histogram": draw_score_histogram,
}


def draw_evaluation(
    directory: Path,
    *,
    y: Codes,
    proba: Floats,
    classes: Sequence[Label],
    threshold: float | None,
    importances: Mapping[str, float],
) -> tuple[Path, ...]:
    """Draw how good predictions are.

    Parameters
    ----------
    directory : Path
        Made if missing.
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float, optional
        Where the positive class of two is decided for; None means 0.5.
    importances : mapping of column to loss of score
        Empty: no figure of them.

    Returns
    -------
    tuple of Path
        ``roc.png``, ``precision_recall.png``, ``calibration.png``, ``confusion_matrix.png``,
        ``score_histogram.png``, ``threshold_curve.png`` (two classes) or ``class_scores.png`` (more),
        ``feature_importance.png``.
    """
    predictions = Predictions(y=y, proba=proba, classes=tuple(classes), threshold=threshold)
    paths = []
    for name, draw in _ALWAYS.items():
        paths.append(directory / f"{name}.png")
        draw(paths[-1], predictions)
    if predictions.is_binary:
        paths.append(directory / "threshold_curve.png")
        draw_threshold_curve(paths[-1], predictions)
    else:
        paths.append(directory / "class_scores.png")
        draw_class_scores(paths[-1], predictions)
    if importances:
        paths.append(directory / "feature_importance.png")
        draw_feature_importance(paths[-1], importances)
    return tuple(paths)


def draw_search(
    directory: Path, *, trials: Sequence[TrialPoint], metric: str, greater_is_better: bool
) -> tuple[Path, ...]:
    """Draw how a search went.

    Returns
    -------
    tuple of Path
        ``optimisation_history.png``; nothing when no trial has a score.
    """
    if not any(has_score(trial) for trial in trials):
        return ()
    path = directory / "optimisation_history.png"
    draw_optimisation_history(path, trials, metric=metric, greater_is_better=greater_is_better)
    return (path,)


def draw_learning_curve(
    directory: Path, *, rounds: Sequence[int], train_losses: Sequence[float], valid_losses: Sequence[float]
) -> Path:
    """Draw the log loss of a fit by round as ``learning_curve.png``."""
    path = directory / "learning_curve.png"
    draw_losses(path, rounds, train_losses=train_losses, valid_losses=valid_losses)
    return path
