"""How long should a booster wait for a better round? Compare rules of patience on rows that nobody learnt from.

    python benchmarks/patience.py ../shared/data > benchmarks/results/patience-$(date +%F).md

The first six trials of LightGBM are grown to the end on three folds of draws of the portfolio's data sets, and each
fold is cut by each rule at the round that is best by the log loss that is left after sharpening
(`mltrain.models.sharp_loss`), as the search does. What is judged is the mean of the folds' models.
"""

from __future__ import annotations

import argparse
import os
import platform
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import lightgbm
import numpy as np
from portfolio_sets import Draw, draws, nearly_all
from stopping import EVERY, Cut, judge, losses_of, proba, row, staged

from mltrain.models import Fold
from mltrain.models.lightgbm import FAMILY
from mltrain.models.rounds import patience
from mltrain.space import Params

Rule: TypeAlias = Callable[[int, float, float], float]

N_TRIALS, MOST_ROUNDS = 6, 1000
# Rounds to wait, by training rows, the best round so far and the learning rate.
RULES: dict[str, Rule] = {
    "as it is": lambda n, best, _: patience(n, best),
    "at least 50": lambda n, best, _: max(patience(n, best), 50),
    "at least 2 / rate": lambda n, best, rate: max(patience(n, best), 2 / rate),
    "at least 4 / rate": lambda n, best, rate: max(patience(n, best), 4 / rate),
}
SETS = nearly_all(german=4, credit=2, telco=2, wide=2, lending=2, adult=1, rare_1=1, digits=1, diamonds=1)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=[source.name for source in SETS])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(heading())
    for source in [source for source in SETS if source.name in arguments.sets]:
        found = [scores for draw in draws(source, arguments.data) for scores in judged(draw)]
        print(row(source, np.array(found)), flush=True)


def judged(draw: Draw) -> Iterator[list[tuple[float, float, float]]]:
    """Yield, for each trial and rule, ROC AUC and log loss on the rows to judge and the rounds that a fold grew."""
    view, other = draw.views(FAMILY.view)
    valid = np.concatenate([fold.valid for fold in draw.folds])
    for params in list(FAMILY.first_trials(draw.shape(view)))[:N_TRIALS]:
        cuts = [cut_by_each(draw, fold, params, X=view.X, X_judge=other.X) for fold in draw.folds]
        yield [judge(draw, [cut[rule] for cut in cuts], y_valid=draw.y[valid]) for rule in RULES]


def cut_by_each(draw: Draw, fold: Fold, params: Params, *, X: Any, X_judge: Any) -> dict[str, Cut]:
    """Grow one fold to the end and cut it by each rule."""
    n_classes = draw.schema.target.n_classes
    kind: dict[str, Any] = {"objective": "binary"}
    if n_classes > 2:
        kind = {"objective": "multiclass", "num_class": n_classes, "max_delta_step": 1.0}
    settings = {"verbosity": -1, "num_threads": 2, "bagging_freq": 1, "seed": 0, **kind, **params}
    categorical = list(draw.views(FAMILY.view)[0].categorical)
    data = lightgbm.Dataset(
        X[fold.train], draw.y[fold.train], categorical_feature=categorical, params={"verbosity": -1}
    )
    model = lightgbm.train(settings, data, num_boost_round=MOST_ROUNDS if n_classes == 2 else MOST_ROUNDS // 3)
    stages = list(staged(model, X[fold.valid]))
    losses, sharpness = losses_of(stages, draw.y[fold.valid])
    cuts = {}
    for name, rule in RULES.items():
        at, end = stop(
            losses["sharpened"], rule=rule, n_samples=len(fold.train), rate=float(str(params["learning_rate"]))
        )
        scores = model.predict(X_judge, raw_score=True, num_iteration=(at + 1) * EVERY)
        cuts[name] = Cut(
            valid=proba(sharpness[at] * stages[at]), judged=proba(sharpness[at] * scores), n_grown=(end + 1) * EVERY
        )
    return cuts


def stop(losses: list[float], *, rule: Rule, n_samples: int, rate: float) -> tuple[int, int]:
    """Return the best stage and the one after which patience was at an end."""
    best = 0
    for stage, loss in enumerate(losses):
        best = stage if loss < losses[best] else best
        if (stage - best) * EVERY >= rule(n_samples, (best + 1) * EVERY, rate):
            return best, stage
    return best, len(losses) - 1


def heading() -> str:
    """Return where this was measured, and the head of the table."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "scikit-learn", "numpy"))
    gains = " | ".join(f"{rule}: ROC AUC | log loss | rounds" for rule in list(RULES)[1:])
    return (
        "# How long a booster should wait for a better round\n\n"
        f"{platform.machine()}, {os.cpu_count()} cores, {packages}; draws are numbered by their seeds. Stopped by\n"
        "the patience of `mltrain.models.rounds`: scores and rounds grown, mean over draws and trials. By others:\n"
        "gains, mean and standard error over trials and draws (positive is better), and rounds grown.\n\n"
        f"| data | rows | trials | as it is: ROC AUC | log loss | rounds | {gains} |\n"
        f"| --- |{' ---: |' * (5 + 3 * (len(RULES) - 1))}"
    )


if __name__ == "__main__":
    main()
