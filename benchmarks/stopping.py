"""Compare three ways to tell when a booster has learnt enough, on validation rows that also judge other things.

    python benchmarks/stopping.py ../shared/data > benchmarks/results/stopping-$(date +%F).md

The first four trials of LightGBM are grown to the end on three folds of draws of the portfolio's data sets. Then each
fold is cut at the round that is best by its log loss, by its ROC AUC, or by the log loss that is left when one number
has made the scores as sure of themselves as they may be (`mltrain.models.sharp_loss`); all with the patience of
`mltrain.models.rounds`. What is kept is the mean of the folds' models, the last ones sharpened each by its number.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, TypeAlias

import lightgbm
import numpy as np
from numpy.typing import NDArray
from portfolio_sets import Draw, Source, asked_for, draws, nearly_all
from scipy.special import expit, softmax
from sklearn.metrics import log_loss, roc_auc_score

from mltrain.calibration import fit_sharpness, sharpen
from mltrain.models import Fold, View
from mltrain.models.lightgbm import FAMILY
from mltrain.models.rounds import patience
from mltrain.models.sharp_loss import SharpLoss
from mltrain.space import Params

N_TRIALS, MOST_ROUNDS, EVERY = 4, 700, 5
RULES = ("log loss", "ROC AUC", "sharpened")
SETS = nearly_all(german=6, credit=3, telco=3, lending=3, adult=2, rare_1=2, rare_2=2, rare_3=2, digits=3, diamonds=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A fold's model cut at a round: what it says of the fold's rows and of those to judge on, and rounds grown."""

    valid: NDArray[np.float64]
    judged: NDArray[np.float64]
    n_grown: int


CutEach: TypeAlias = Callable[[Draw, Fold, Params, View, View], dict[str, Cut]]


def main() -> None:
    """Compare and print."""
    sources, data = asked_for(__doc__, SETS)
    warnings.simplefilter("ignore")
    print(heading())
    for source in sources:
        found = [scores for draw in draws(source, data) for scores in judged(draw, cut_by_rule, n_trials=N_TRIALS)]
        print(row(source, np.array(found)), flush=True)


def judged(draw: Draw, cut_each: CutEach, *, n_trials: int) -> Iterator[list[tuple[float, float, float]]]:
    """Yield, for each trial and rule, ROC AUC and log loss on the rows to judge and the rounds that a fold grew."""
    view, other = draw.views(FAMILY.view)
    valid = np.concatenate([fold.valid for fold in draw.folds])
    for params in list(FAMILY.first_trials(draw.shape(view)))[:n_trials]:
        cuts = [cut_each(draw, fold, params, view, other) for fold in draw.folds]
        yield [judge(draw, [cut[rule] for cut in cuts], y_valid=draw.y[valid]) for rule in cuts[0]]


def judge(draw: Draw, cuts: list[Cut], *, y_valid: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return the scores of the mean of the folds' models, as sharp as the rows of all folds bear out."""
    sharpness = fit_sharpness(np.concatenate([cut.valid for cut in cuts]), y_valid)
    said = sharpen(np.mean([cut.judged for cut in cuts], axis=0), sharpness)
    loss = log_loss(draw.y_judge, said, labels=range(said.shape[1]))
    return auc(draw.y_judge, said), loss, float(np.mean([cut.n_grown for cut in cuts]))


def cut_by_rule(draw: Draw, fold: Fold, params: Params, view: View, other: View) -> dict[str, Cut]:
    """Grow one fold to the end and cut it by what each rule looks at."""
    model = grow(draw, fold, params, view=view, most_rounds=MOST_ROUNDS)
    stages = list(staged(model, view.X[fold.valid]))
    losses, sharpness = losses_of(stages, draw.y[fold.valid])
    cuts = {}
    for rule in losses:
        at, end = stop(losses[rule], wait=partial(patience, len(fold.train)))
        scale = sharpness[at] if rule == "sharpened" else 1.0
        scores = model.predict(other.X, raw_score=True, num_iteration=(at + 1) * EVERY)
        cuts[rule] = Cut(valid=proba(scale * stages[at]), judged=proba(scale * scores), n_grown=(end + 1) * EVERY)
    return cuts


def grow(draw: Draw, fold: Fold, params: Params, *, view: View, most_rounds: int) -> lightgbm.Booster:
    """Return a booster of so many rounds, half of them where each grows a tree for every class."""
    n_classes = draw.schema.target.n_classes
    kind: dict[str, Any] = {"objective": "binary"}
    if n_classes > 2:
        kind = {"objective": "multiclass", "num_class": n_classes, "max_delta_step": 1.0}
    settings = {"verbosity": -1, "num_threads": 2, "bagging_freq": 1, "seed": 0, **kind, **params}
    data = lightgbm.Dataset(
        view.X[fold.train], draw.y[fold.train], categorical_feature=list(view.categorical), params={"verbosity": -1}
    )
    return lightgbm.train(settings, data, num_boost_round=most_rounds if n_classes == 2 else most_rounds // 2)


def staged(model: lightgbm.Booster, X: Any) -> Iterator[NDArray[np.float64]]:
    """Yield the scores after every few rounds."""
    scores: Any = 0.0
    for start in range(0, model.num_trees() // model.num_model_per_iteration(), EVERY):
        scores = scores + model.predict(X, raw_score=True, start_iteration=start, num_iteration=EVERY)
        yield scores


def losses_of(stages: list[NDArray[np.float64]], y: NDArray[np.int64]) -> tuple[dict[str, list[float]], list[float]]:
    """Return what each rule makes of the stages, less being better, and the sharpness at each."""
    sharp = SharpLoss(y)
    pairs = [(sharp.after(scores), sharp.sharpness) for scores in stages]
    n_classes = 2 if stages[0].ndim == 1 else stages[0].shape[1]
    losses = {
        "log loss": [log_loss(y, proba(scores), labels=range(n_classes)) for scores in stages],
        "ROC AUC": [-auc(y, proba(scores)) for scores in stages],
        "sharpened": [loss for loss, _ in pairs],
    }
    return losses, [sharpness for _, sharpness in pairs]


def stop(losses: list[float], *, wait: Callable[[int], float]) -> tuple[int, int]:
    """Return the best stage and the one after which patience was at an end: rounds to wait, by the best one so far."""
    best = 0
    for stage, loss in enumerate(losses):
        best = stage if loss < losses[best] else best
        if (stage - best) * EVERY >= wait((best + 1) * EVERY):
            return best, stage
    return best, len(losses) - 1


def proba(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities of shape (n_samples, n_classes)."""
    if scores.ndim > 1:
        many: NDArray[np.float64] = softmax(scores, axis=1)
        return many
    return np.column_stack([expit(-scores), expit(scores)])


def auc(y: NDArray[np.int64], proba: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve, of each of several classes against the rest."""
    return float(roc_auc_score(y, proba[:, 1] if proba.shape[1] == 2 else proba, multi_class="ovr"))


def heading() -> str:
    """Return where this was measured, and the head of the table."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "scikit-learn", "numpy"))
    gains = " | ".join(f"{rule}: ROC AUC | {rule}: log loss | {rule}: rounds" for rule in RULES[1:])
    return (
        "# When a booster has learnt enough\n\n"
        f"{platform.machine()}, {packages}; draws are numbered by their seeds. Stopped by log loss: scores and rounds\n"
        "grown, mean over draws and trials. By the other rules: gains, mean and standard error (positive is better),\n"
        "and rounds grown.\n\n"
        f"| data | rows | fits | by log loss: ROC AUC | log loss | rounds | {gains} |\n"
        f"| --- |{' ---: |' * (5 + 3 * len(RULES[1:]))}"
    )


def row(source: Source, found: NDArray[np.float64]) -> str:
    """Return one data set; ``found`` has shape (n_fits, n_rules, 3)."""
    base = found[:, 0].mean(axis=0)
    cells = [f"{base[0]:.4f}", f"{base[1]:.4f}", f"{base[2]:.0f}"]
    for rule in range(1, found.shape[1]):
        gains = (found[:, rule, :2] - found[:, 0, :2]) * [1, -1]
        errors = gains.std(axis=0, ddof=1) / np.sqrt(len(gains))
        cells += [f"{mean:+.4f} ± {error:.4f}" for mean, error in zip(gains.mean(axis=0), errors, strict=True)]
        cells.append(f"{found[:, rule, 2].mean():.0f}")
    return f"| {source.name} | {source.n_learn:,} | {len(found)} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
