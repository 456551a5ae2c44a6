"""Measure what makes a validation score differ from the score on rows that nobody learnt from.

    python benchmarks/optimism.py ../shared/data > benchmarks/results/optimism-$(date +%F).md

The first three trials of each booster are fitted on five folds of draws of the portfolio's data sets. Three things pull
apart what is reported and what comes true: a fold's booster stops at the round, and is as sure of itself, as is best on
the very rows that judge it; what is kept is the mean of five models, each judged alone; and the best of several trials
is not as good as it looks. Each is measured by itself.
"""

from __future__ import annotations

import argparse
import platform
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from portfolio_sets import Draw, Source, draws, nearly_all
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from mltrain.calibration import sharpen
from mltrain.metrics import ROC_AUC
from mltrain.models import Fitted, Fold, Limits, ModelFamily, Objective, View
from mltrain.models.catboost import FAMILY as CATBOOST
from mltrain.models.lightgbm import FAMILY as LIGHTGBM
from mltrain.models.xgboost import FAMILY as XGBOOST
from mltrain.search import fold_proba
from mltrain.space import Params
from mltrain.splitting import make_folds
from mltrain.voting import pick

FAMILIES: tuple[ModelFamily, ...] = (LIGHTGBM, XGBOOST, CATBOOST)
N_TRIALS = 3
SETS = nearly_all(german=8, credit=4, telco=3, lending=3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flattery:
    """Differences of ROC AUC on one draw, means over trials.

    Attributes
    ----------
    stopping : float
        Out of fold with the rounds and the sharpness that suit each fold, less the same with those of the other four.
    averaging : float
        Judged rows by the mean of the folds' models, less the mean of the models' own scores.
    picking : float
        The best trial out of fold, less what it is worth on folds that it was not picked on.
    gap : float
        The best trial out of fold, less its folds' mean on judged rows: what a user sees.
    """

    stopping: float
    averaging: float
    picking: float
    gap: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=[source.name for source in SETS])
    arguments = parser.parse_args()
    print(heading(), flush=True)
    with ProcessPoolExecutor(2) as pool:
        for source in [source for source in SETS if source.name in arguments.sets]:
            found = list(pool.map(partial(measure, source, arguments.data), range(source.n_draws)))
            for family in FAMILIES:
                print(row(source, family.name, [draw[family.name] for draw in found]), flush=True)


def measure(source: Source, data: Path, number: int) -> dict[str, Flattery]:
    """Measure one draw, for each family."""
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        draw = list(draws(source, data))[number]
        pairs = make_folds(draw.y, kind="stratified", n_folds=5, seed=0)
        folds = tuple(Fold(train=train, valid=valid) for train, valid in pairs)
        return {family.name: flattery(family, draw, folds) for family in FAMILIES}


def flattery(family: ModelFamily, draw: Draw, folds: Sequence[Fold]) -> Flattery:
    """Fit a family's first trials and take their scores apart."""
    view, judged = draw.views(family.view)
    objective = Objective(n_classes=2)
    prepared = family.prepare(view, draw.y, weights=None, folds=folds, objective=objective)
    blind = tuple(Fold(train=fold.train, valid=fold.valid[:0]) for fold in folds)
    unseen = family.prepare(view, draw.y, weights=None, folds=blind, objective=objective)
    stopping, averaging, gaps, held_out = [], [], [], []
    for params in list(family.first_trials(draw.shape(view)))[:N_TRIALS]:
        fitted = [family.fit(prepared, n, params=params, limits=Limits(seed=1 + n)) for n in range(len(folds))]
        held_out.append(pooled(folds, [fold_proba(f) for f in fitted]))
        own = auc(draw.y, held_out[-1])
        others = list(by_other_folds(family, unseen, params, fitted, folds, view))
        stopping.append(own - auc(draw.y, pooled(folds, others)))
        says = [sharpen(family.predict_proba(f.model, judged.X), f.sharpness) for f in fitted]
        mean = auc(draw.y_judge, np.mean(says, axis=0))
        averaging.append(mean - float(np.mean([auc(draw.y_judge, one) for one in says])))
        gaps.append((own, own - mean))
    best, gap = max(gaps)
    ranked = sorted(held_out, key=lambda proba: -auc(draw.y, proba))
    parts = np.empty(draw.y.size, dtype=np.intp)
    for n, fold in enumerate(folds):
        parts[fold.valid] = n
    worth = pick(ranked, draw.y, metric=ROC_AUC, seed=0, parts=parts)
    return Flattery(
        stopping=float(np.mean(stopping)), averaging=float(np.mean(averaging)), picking=best - worth, gap=gap
    )


def by_other_folds(
    family: ModelFamily, unseen: object, params: Params, fitted: Sequence[Fitted], folds: Sequence[Fold], view: View
) -> Iterator[NDArray[np.float64]]:
    """Yield each fold's predictions after the round that the mean loss of the others likes best, as sure as those."""
    for number, fold in enumerate(folds):
        curves = [f for other, f in enumerate(fitted) if other != number]
        rounds = np.arange(1, min(f.loss_rounds[-1] for f in curves) + 1)
        losses = np.mean([np.interp(rounds, f.loss_rounds, f.valid_losses) for f in curves], axis=0)
        limits = Limits(seed=1 + number, max_rounds=int(rounds[np.argmin(losses)]))
        model = family.fit(unseen, number, params=params, limits=limits).model
        sharpness = float(np.exp(np.mean([np.log(f.sharpness) for f in curves])))
        yield sharpen(family.predict_proba(model, view.X[fold.valid]), sharpness)


def pooled(folds: Sequence[Fold], probas: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return predictions in the order of the rows."""
    whole = np.empty((sum(fold.valid.size for fold in folds), probas[0].shape[1]))
    for fold, proba in zip(folds, probas, strict=True):
        whole[fold.valid] = proba
    return whole


def auc(y: NDArray[np.int64], proba: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve of two classes."""
    return float(roc_auc_score(y, proba[:, 1]))


def heading() -> str:
    """Return where this was measured, and the head of the table."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "xgboost", "catboost", "numpy"))
    return (
        "# What a validation score flatters, and what it hides\n\n"
        f"{platform.machine()}, {packages}; draws are numbered by their seeds; the first {N_TRIALS} trials of each\n"
        "booster, five folds. ROC AUC, mean and standard error over draws. Stopping and picking make it too good;\n"
        "averaging makes what is kept better than it. The gap is out of fold less judged rows, of the best trial; its\n"
        "error is mostly that of the few judged rows.\n\n"
        "| data | rows | draws | family | stopping | picking | averaging | gap |\n"
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |"
    )


def row(source: Source, family: str, found: Sequence[Flattery]) -> str:
    """Return the line of a family on one data set."""
    cells = [spread([getattr(draw, part) for draw in found]) for part in ("stopping", "picking", "averaging", "gap")]
    return f"| {source.name} | {source.n_learn:,} | {source.n_draws} | {family} | {' | '.join(cells)} |"


def spread(values: Sequence[float]) -> str:
    """Return mean and standard error."""
    return f"{np.mean(values):+.4f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.4f}"


if __name__ == "__main__":
    main()
