"""The numbers: metrics of the challenger on the test rows, and the champion's on the same rows. Writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mltrain import metrics
from mltrain.commands.evaluate.dueling import Duel, Rival, duel
from mltrain.config import Config
from mltrain.data import Label
from mltrain.data.conforming import conform
from mltrain.data.nearest import listed
from mltrain.data.target import label_text
from mltrain.drift import ColumnDrift, Profile, Tally, column_drifts
from mltrain.errors import UsageError
from mltrain.evaluation import Evaluation, evaluate, permutation_importance
from mltrain.holdout import Holdout
from mltrain.metrics import Metric
from mltrain.model import Model
from mltrain.models import Proba
from mltrain.seen_rows import SeenRows
from mltrain.threshold import decide
from mltrain.unseen import count_unseen, known_levels
from mltrain.verdict import Gate, check_gate

NEUTRAL = 0.5
HARDLY_ANY = 0.05  # recall or precision below which decisions are of no use
IMPORTANCE_ROWS = 2_000
IMPORTANCE_PREDICTIONS = 12_000  # a second or two with a booster, about three with a vote of four families

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A model on the test rows.

    Attributes
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    importances : mapping of str to float
        Source column to the loss of score when it is shuffled.
    duel : Duel
        Against the reigning champion.
    cautions : tuple of str
        What should be known before the model is used; ``notes`` are the lesser ones.
    drift : tuple of ColumnDrift
        The test rows' columns against those of training, the largest first.
    unseen : mapping of str to int
        Categorical column to the number of test rows whose level the model does not know.
    """

    holdout: Holdout
    proba: Proba
    decided: NDArray[np.int64]
    threshold: float | None
    evaluation: Evaluation
    gate: Gate
    importances: Mapping[str, float]
    duel: Duel
    notes: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    drift: tuple[ColumnDrift, ...] = ()
    unseen: Mapping[str, int] = field(default_factory=dict)


def judge(
    model: Model,
    holdout: Holdout,
    *,
    metric: Metric,
    config: Config,
    rival: Rival | None,
    seen_rows: SeenRows | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Judged:
    """Score a model on the test rows, hold it against the gate, and compare it with the reigning champion.

    Parameters
    ----------
    rival : Rival, optional
        The reigning champion; None when none reigns, or when ``model`` is the champion itself.
    seen_rows : SeenRows, optional
        Which rows the model was developed on.
    tell : callable
        Hears in one phrase what is being done.
    """
    settings, threshold = config.evaluate, decision_threshold(model)
    tell(f"scoring {holdout.table.num_rows:,} test rows")
    proba = model.proba(holdout.table)
    tell(f"intervals from {settings.n_bootstrap:,} resamples")
    evaluation = evaluate(
        holdout.y,
        proba,
        classes=holdout.schema.target.classes,
        threshold=threshold,
        metrics=metrics_to_report(metric, config, n_classes=proba.shape[1]),
        n_bootstrap=settings.n_bootstrap,
        confidence=settings.confidence,
        seed=config.seed,
    )
    value = evaluation.metrics[metric.name].value
    undefined = _undefined(metric, value, y=holdout.y, classes=holdout.schema.target.classes)
    found = Duel()
    if rival is not None and undefined is None:
        tell("comparing with the reigning champion")
        found = duel(model, rival, holdout=holdout, proba=proba, metric=metric, config=config, seen_rows=seen_rows)
    tell("feature importance")
    importances = _importances(model, holdout, metric=metric, seed=config.seed)
    return Judged(
        holdout=holdout,
        proba=proba,
        decided=decide(proba, threshold),
        threshold=threshold,
        evaluation=evaluation,
        gate=check_gate(metric, value, threshold=config.train.deployment_score_thresh, undefined=undefined),
        importances=importances,
        duel=found,
        notes=_said(found.note, _unjudged(model, importances)),
        cautions=_said(_useless(model, metric, evaluation), found.caution),
    )


def _said(*notes: str | None) -> tuple[str, ...]:
    """Return the notes that there are."""
    return tuple(note for note in notes if note)


def with_drift(judged: Judged, model: Model, profile: Profile | None) -> Judged:
    """Add how the test rows differ from those of training; no drift without a profile."""
    table = conform(judged.holdout.table, model.schema, origin="the test split")
    unseen = {name: n for name, n in count_unseen(table, known_levels(model)).items() if n}
    if profile is None:
        return replace(judged, unseen=unseen)
    tally = Tally(profile=profile)
    tally.add(table)
    return replace(judged, unseen=unseen, drift=column_drifts(tally))


def metrics_to_report(metric: Metric, config: Config, *, n_classes: int) -> tuple[Metric, ...]:
    """Return the comparison metric and all built-in ones that serve this number of classes."""
    chosen = {metric.name: metric}
    for name in metrics.BUILT_IN:
        try:
            found = metrics.resolve(name, beta=config.train.fbeta_score_beta_val, n_classes=n_classes)
        except UsageError as error:
            logger.debug("metric left out: %s", error)
        else:
            chosen.setdefault(found.name, found)
    return tuple(chosen.values())


def decision_threshold(model: Model) -> float | None:
    """Return where the model decides for the positive class; None with more than two classes.

    A model without a threshold of its own decides at 0.5, never at what would be best on the rows it is scored on.
    """
    if model.schema.target.n_classes != 2:
        return None
    return NEUTRAL if model.threshold is None else model.threshold


def _importances(model: Model, holdout: Holdout, *, metric: Metric, seed: int) -> Mapping[str, float]:
    """Shuffle the columns on some rows: so much work that it takes a few seconds, whatever else the machine does."""
    table = conform(holdout.table, model.schema, origin="the test split")
    return permutation_importance(
        model.proba,
        table,
        y=holdout.y,
        metric=metric,
        seed=seed,
        max_rows=IMPORTANCE_ROWS,
        max_predictions=IMPORTANCE_PREDICTIONS,
    )


def _undefined(metric: Metric, value: float, *, y: NDArray[np.int64], classes: Sequence[Label]) -> str | None:
    """Say why a score tells nothing: it is no number, or even perfect decisions would score 0, as F1 without a case."""
    absent = [label_text(label) for code, label in enumerate(classes) if not np.any(y == code)]
    is_blind = metric.needs == "labels" and metric.greater_is_better and bool(absent) and metric.function(y, y) == 0
    if np.isfinite(value) and not is_blind:
        return None
    if absent:
        return f"the test split has no row of class {listed(absent)}"
    return "it has no value on the test rows"


def _useless(model: Model, metric: Metric, evaluation: Evaluation) -> str | None:
    """Say that decisions are of little use: they never are for the positive class, or hardly ever at 0.5, not tuned."""
    if model.schema.target.n_classes != 2 or evaluation.class_counts[1] == 0:  # without a case nothing can be found
        return None
    is_untuned = model.threshold is None and metric.needs != "labels"
    low = [name for name in ("recall", "precision") if evaluation.metrics[name].value < HARDLY_ANY]
    if not evaluation.confusion[:, 1].any():
        said = (
            f"the model decides for {label_text(evaluation.classes[1])} on none of {evaluation.n_rows:,} test rows, "
            f"though {evaluation.class_counts[1]:,} are (recall 0)"
        )
    elif low and is_untuned:
        said = f"{' and '.join(low)} of the positive class is below {HARDLY_ANY:g}"
    else:
        return None
    if not is_untuned:
        return f"{said}: the decision threshold is {decision_threshold(model):.4f}, tuned on validation rows"
    return (
        f"{said}: the decision threshold {NEUTRAL} was not tuned, for {metric.name} judges probabilities alone; "
        "set train.comparison_metric to f1, fbeta_score or another metric of decisions to have it tuned"
    )


def _unjudged(model: Model, importances: Mapping[str, float]) -> str | None:
    """Say how many columns the importances leave out, if any."""
    n_left = len(model.schema.features) - len(importances)
    return f"feature importance: the last {n_left} columns were not judged" if n_left > 0 else None
