"""Compare linear models that are straight, that bend and that go by landmarks, on draws of the portfolio's data sets.

    python benchmarks/linear_models.py ../shared/data > benchmarks/results/linear_models-$(date +%F).md

Every penalty, strength and number of knots, and every strength and reach of landmarks, is fitted on the folds of every
draw. The table has, for each draw, the best setting of each kind by log loss out of fold, and what their folds' mean
scores on rows that nobody learnt from. Below it stands the order in which settings are chosen greedily, so that the
best of those chosen comes as near as possible to the lowest loss of each set: the linear family's first trials by
numbers were taken from it before there were landmarks.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
from portfolio_sets import SOURCES, Draw, draws
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from mltrain.models import Limits, Objective
from mltrain.models.logistic_regression import FAMILY
from mltrain.space import Params

KNOTS = (0, 2, 4, 8, 12)
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = ("l2", "l1", "elasticnet")
LANDMARKS = 400
REACHES = (0.5, 0.7, 1.0, 1.4, 2.0)
KINDS = ("straight", "bent", "landmarks")
CHOSEN = 9
# Hundreds of sparse columns or 20,000 rows, 140 settings: minutes each.
SLOW = ("flights_large", "cdc_large", "adult_large")
# So that one set where everything is far from the best does not outweigh all others.
_MOST_REGRET = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """One setting on one draw: log loss out of fold, what judged rows say, seconds of processor time."""

    params: Params
    loss: float
    judged_loss: float
    auc: float
    seconds: float


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=[source.name for source in SOURCES if source.name not in SLOW])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    packages = ", ".join(f"{name} {version(name)}" for name in ("mltrain", "numpy", "scipy"))
    print("# Linear models: straight, bent, by landmarks\n")
    print(f"{platform.machine()}, {packages}; one thread, draws by their seeds.\n")
    print("| draw | rows | columns | | setting | loss out of fold | judged loss | judged ROC AUC | s |")
    print("| --- | ---: | ---: | --- | --- | ---: | ---: | ---: | ---: |")
    found: dict[str, list[Scored]] = {}
    with threadpool_limits(1):
        for source in [source for source in SOURCES if source.name in arguments.sets]:
            for draw in draws(source, arguments.data):
                found[draw.name] = list(score_all(draw))
                print("\n".join(rows(draw, found[draw.name])), flush=True)
    print("\nChosen greedily:\n\n| | setting | mean regret | mean s |\n| ---: | --- | ---: | ---: |")
    print("\n".join(choose(list(found), list(found.values()))))


def settings() -> Iterator[Params]:
    """Yield all settings."""
    for penalty, n_knots, strength in product(PENALTIES, KNOTS, STRENGTHS):
        yield {"C": strength, "penalty": penalty, "n_knots": n_knots}
    for reach, strength in product(REACHES, STRENGTHS):
        yield {"C": strength, "penalty": "l2", "n_landmarks": LANDMARKS, "reach": reach}


def score_all(draw: Draw) -> Iterator[Scored]:
    """Fit every setting on every fold."""
    view, judged = draw.views(FAMILY.view)
    n_classes = draw.schema.target.n_classes
    objective = Objective(n_classes=n_classes)
    prepared = FAMILY.prepare(view, draw.y, weights=None, folds=draw.folds, objective=objective)
    for params in settings():
        started = time.process_time()
        proba = np.zeros((draw.y.size, n_classes))
        judgement = np.zeros((draw.y_judge.size, n_classes))
        for number, fold in enumerate(draw.folds):
            fitted = FAMILY.fit(prepared, number, params=params, limits=Limits(seed=1 + number))
            proba[fold.valid] = fitted.valid_proba
            judgement += FAMILY.predict_proba(fitted.model, judged.X) / len(draw.folds)
        seconds = time.process_time() - started
        valid, codes = draw.valid_rows, range(n_classes)
        yield Scored(
            params=params,
            loss=float(log_loss(draw.y[valid], proba[valid], labels=codes)),
            judged_loss=float(log_loss(draw.y_judge, judgement, labels=codes)),
            auc=float(roc_auc_score(draw.y_judge, judgement[:, 1])) if n_classes == 2 else float("nan"),
            seconds=seconds,
        )


def rows(draw: Draw, scored: Sequence[Scored]) -> Iterator[str]:
    """Yield the rows of a draw: the best setting of each kind."""
    n_features = draw.views(FAMILY.view)[0].n_features
    for kind in KINDS:
        best = min((s for s in scored if kind_of(s.params) == kind), key=lambda s: s.loss)
        auc = f"{best.auc:.4f}" if np.isfinite(best.auc) else ""
        yield (
            f"| {draw.name} | {draw.y.size:,} | {n_features} | {kind} | {text(best.params)} | {best.loss:.4f} "
            f"| {best.judged_loss:.4f} | {auc} | {best.seconds:.2f} |"
        )


def choose(names: Sequence[str], found: Sequence[Sequence[Scored]]) -> Iterator[str]:
    """Yield settings in the order in which they lower the mean regret over sets most."""
    losses = np.array([[scored.loss for scored in ours] for ours in found])
    seconds = np.array([[scored.seconds for scored in ours] for ours in found]).mean(axis=0)
    regrets = np.minimum(np.log(losses / losses.min(axis=1, keepdims=True)), _MOST_REGRET)
    sets = [name.rsplit("-", 1)[0] for name in names]
    weights = np.array([1 / sets.count(name) for name in sets])
    reached = np.full(len(names), np.inf)
    tried = [scored.params for scored in found[0]]
    for place in range(1, CHOSEN + 1):
        means = np.average(np.minimum(reached[:, None], regrets), axis=0, weights=weights)
        best = int(np.argmin(means))
        reached = np.minimum(reached, regrets[:, best])
        yield f"| {place} | {text(tried[best])} | {means[best]:.4f} | {seconds[best]:.2f} |"


def kind_of(params: Params) -> str:
    """Return what kind of model a setting makes."""
    return "landmarks" if "n_landmarks" in params else "bent" if params["n_knots"] else "straight"


def text(params: Params) -> str:
    """Return a setting in a few words."""
    shape = f"reach {params['reach']:g}" if "reach" in params else f"{params['n_knots']} knots"
    return f"{params['penalty']}, C {params['C']:g}, {shape}"


if __name__ == "__main__":
    main()
