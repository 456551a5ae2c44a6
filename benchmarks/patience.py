"""How long should a booster wait for a better round? Compare rules of patience on rows that nobody learnt from.

    python benchmarks/patience.py ../shared/data > benchmarks/results/patience-$(date +%F).md

The first six trials of LightGBM are grown to the end on three folds of draws of the portfolio's data sets, and each
fold is cut by each rule at the round that is best by the log loss that is left after sharpening
(`mltrain.models.sharp_loss`), as the search does. What is judged is the mean of the folds' models.
"""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import numpy as np
from portfolio_sets import Draw, asked_for, draws, nearly_all
from stopping import EVERY, Cut, grow, judged, losses_of, proba, row, staged, stop

from mltrain.models import Fold, View
from mltrain.models.rounds import patience
from mltrain.space import Params

N_TRIALS, MOST_ROUNDS = 6, 1000
# Rounds to wait at least, by the learning rate, beside what `patience` says.
RULES: dict[str, Callable[[float], float]] = {
    "as it is": lambda _: 0,
    "at least 50": lambda _: 50,
    "at least 2 / rate": lambda rate: 2 / rate,
    "at least 4 / rate": lambda rate: 4 / rate,
}
SETS = nearly_all(german=4, credit=2, telco=2, wide=2, lending=2, adult=1, rare_1=1, digits=1, diamonds=1)


def main() -> None:
    """Compare and print."""
    sources, data = asked_for(__doc__, SETS)
    warnings.simplefilter("ignore")
    print(heading())
    for source in sources:
        found = [scores for draw in draws(source, data) for scores in judged(draw, cut_by_rule, n_trials=N_TRIALS)]
        print(row(source, np.array(found)), flush=True)


def cut_by_rule(draw: Draw, fold: Fold, params: Params, view: View, other: View) -> dict[str, Cut]:
    """Grow one fold to the end and cut it when each rule is out of patience."""
    model = grow(draw, fold, params, view=view, most_rounds=MOST_ROUNDS)
    stages = list(staged(model, view.X[fold.valid]))
    losses, sharpness = losses_of(stages, draw.y[fold.valid])
    cuts = {}
    for name, rule in RULES.items():
        least = rule(float(str(params["learning_rate"])))
        at, end = stop(losses["sharpened"], wait=partial(longer, n_samples=len(fold.train), least=least))
        scores = model.predict(other.X, raw_score=True, num_iteration=(at + 1) * EVERY)
        valid, judged_ = proba(sharpness[at] * stages[at]), proba(sharpness[at] * scores)
        cuts[name] = Cut(valid=valid, judged=judged_, n_grown=(end + 1) * EVERY)
    return cuts


def longer(best: int, *, n_samples: int, least: float) -> float:
    """Return the rounds to wait for a better one than ``best``."""
    return max(patience(n_samples, best), least)


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
