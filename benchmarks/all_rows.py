"""Compare five models of folds with five models on all rows, each with a seed of its own, voting equally.

    python benchmarks/all_rows.py ../shared/data > benchmarks/results/all_rows-$(date +%F).md

Four fixed trials: two of LightGBM, one of CatBoost, one of extra trees. What is learnt from is drawn anew a few times.
A model on all rows gets the mean rounds of the folds, grown as `mltrain.search.refitting` grows them, and their mean
sharpness. On this rests that models on all rows vote where rows are few, and the limits of 2,000 rows and of 150 of the
rarer of two classes (`mltrain.jobs`).
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from portfolio_sets import Draw, Source, asked_for, draws, nearly_all
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from mltrain.calibration import sharpen
from mltrain.models import Fitted, Fold, Limits, ModelFamily, Objective
from mltrain.models.catboost import FAMILY as CATBOOST
from mltrain.models.lightgbm import FAMILY as LIGHTGBM
from mltrain.models.random_forest import FAMILY as FOREST
from mltrain.space import Params
from mltrain.splitting import make_folds

N_MODELS = 5
SETS = nearly_all(german=8, digits=4, wide=3, credit=6, telco=5, lending=6, rare_1=2, rare_2=2, rare_3=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Votes:
    """What models say of the rows to judge on, each of shape (n_judge, n_classes)."""

    of_folds: NDArray[np.float64]
    on_all_rows: NDArray[np.float64]


def main() -> None:
    """Compare and print."""
    sources, data = asked_for(__doc__, SETS)
    warnings.simplefilter("ignore")
    print(heading())
    with threadpool_limits(1):
        for source in sources:
            found = [(draw, list(votes(draw))) for draw in draws(source, data)]
            print(row(source, found), flush=True)


def votes(draw: Draw) -> Iterator[Votes]:
    """Fit the models of each trial both ways."""
    pairs = make_folds(draw.y, kind="stratified", n_folds=N_MODELS, seed=0)
    folds = tuple(Fold(train=train, valid=valid) for train, valid in pairs)
    everything = Fold(train=np.arange(draw.y.size), valid=np.empty(0, dtype=np.intp))
    for family, params in trials(draw):
        of_folds = fits(family, params, draw, folds=folds, max_rounds=None)
        growth = np.sqrt(N_MODELS / (N_MODELS - 1))
        rounds = max(1, round(float(np.mean([fitted.n_rounds for fitted in of_folds])) * growth))
        on_all = fits(family, params, draw, folds=(everything,) * N_MODELS, max_rounds=rounds)
        _, judged = draw.views(family.view)
        sharpness = float(np.exp(np.mean([np.log(fitted.sharpness) for fitted in of_folds])))
        said = [sharpen(family.predict_proba(f.model, judged.X), f.sharpness) for f in of_folds]
        said_on_all = [sharpen(family.predict_proba(f.model, judged.X), sharpness) for f in on_all]
        yield Votes(of_folds=np.mean(said, axis=0), on_all_rows=np.mean(said_on_all, axis=0))


def trials(draw: Draw) -> Iterator[tuple[ModelFamily, Params]]:
    """Yield the first and the second trial of LightGBM, the first of CatBoost and extra trees of large leaves."""
    shape = draw.shape(draw.views(LIGHTGBM.view)[0])
    yield LIGHTGBM, LIGHTGBM.first_trials(shape)[0]
    yield LIGHTGBM, LIGHTGBM.first_trials(shape)[1]
    yield CATBOOST, CATBOOST.first_trials(shape)[0]
    yield FOREST, next(trial for trial in FOREST.first_trials(shape) if trial["extra_trees"])


def fits(
    family: ModelFamily, params: Params, draw: Draw, *, folds: tuple[Fold, ...], max_rounds: int | None
) -> list[Fitted]:
    """Fit every fold, each with a seed of its own, two at a time."""
    view, _ = draw.views(family.view)
    objective = Objective(n_classes=draw.shape(view).n_classes)
    prepared = family.prepare(view, draw.y, weights=None, folds=folds, objective=objective)

    def fit(number: int) -> Fitted:
        return family.fit(prepared, number, params=params, limits=Limits(seed=1 + number, max_rounds=max_rounds))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(fit, range(len(folds))))


def heading() -> str:
    """Return where this was measured, and the head of the table."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "catboost", "scikit-learn", "numpy"))
    return (
        "# Five models of folds, or five on all rows\n\n"
        f"{platform.machine()}, {packages}; draws are numbered by their seeds. Gains of models on all rows, mean and\n"
        "standard error over draws: of the vote of all four trials, and of one trial alone. Positive is better.\n\n"
        "| data | rows | draws | vote, ROC AUC | vote, log loss | one trial, ROC AUC | one trial, log loss |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )


def row(source: Source, found: list[tuple[Draw, list[Votes]]]) -> str:
    """Return the gains on one data set."""
    together = [
        gains(draw, np.mean([v.of_folds for v in all_], axis=0), np.mean([v.on_all_rows for v in all_], axis=0))
        for draw, all_ in found
    ]
    alone = [np.mean([gains(draw, v.of_folds, v.on_all_rows) for v in all_], axis=0) for draw, all_ in found]
    cells = [spread([gain[metric] for gain in of]) for of in (together, alone) for metric in (0, 1)]
    return f"| {source.name} | {source.n_learn:,} | {source.n_draws} | {' | '.join(cells)} |"


def gains(draw: Draw, of_folds: NDArray[np.float64], on_all: NDArray[np.float64]) -> tuple[float, float]:
    """Return by how much models on all rows are better: ROC AUC (one against the rest), log loss."""
    auc_of_folds, auc_on_all = (auc(draw.y_judge, proba) for proba in (of_folds, on_all))
    loss_of_folds, loss_on_all = (float(log_loss(draw.y_judge, proba)) for proba in (of_folds, on_all))
    return auc_on_all - auc_of_folds, loss_of_folds - loss_on_all


def auc(y: NDArray[np.int64], proba: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve."""
    return float(roc_auc_score(y, proba[:, 1] if proba.shape[1] == 2 else proba, multi_class="ovr"))


def spread(values: list[float]) -> str:
    """Return mean and standard error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):+.4f} ± {error:.4f}"


if __name__ == "__main__":
    main()
