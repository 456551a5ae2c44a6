"""Compare Optuna's samplers after the same first trials, under the lag that mltrain's sequences have.

    python benchmarks/samplers.py ../shared/data --trials 40 --seeds 3

LightGBM on 500 rows, three folds, at most 100 rounds. Trial i is proposed knowing the results of trials up to
i - lag, told in
order, by a sampler made anew from seed and number, as `mltrain.search.sequence` does. CMA-ES needs the package
``cmaes``, the Gaussian process ``torch``; a sampler whose package is missing is skipped, and said to be.
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial
from portfolio_sets import SOURCES, Source, draws
from threadpoolctl import threadpool_limits

from mltrain.calibration import sharpen
from mltrain.models import Limits, Objective
from mltrain.models.lightgbm import FAMILY
from mltrain.models.rounds import log_loss
from mltrain.search import fold_proba
from mltrain.space import Choice, Dimension, Float, Int, Params

LAG = 8
CHECKPOINTS = (10, 20, 40)
_ROWS = 500
_ROUNDS = 100
_SETS = ("german", "credit", "telco", "noisy")
SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "TPE multivariate, 10 at random": lambda seed: TPESampler(
        seed=seed, multivariate=True, constant_liar=True, n_startup_trials=10
    ),
    "TPE multivariate, 1 at random": lambda seed: TPESampler(
        seed=seed, multivariate=True, constant_liar=True, n_startup_trials=1
    ),
    "TPE independent, 10 at random": lambda seed: TPESampler(
        seed=seed, multivariate=False, constant_liar=True, n_startup_trials=10
    ),
    "CMA-ES": lambda seed: CmaEsSampler(seed=seed, n_startup_trials=8, warn_independent_sampling=False),
    "Gaussian process": lambda seed: GPSampler(seed=seed, n_startup_trials=8),
    "random": lambda seed: RandomSampler(seed=seed),
}
_NEEDS = {"CMA-ES": "cmaes", "Gaussian process": "torch"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Log loss out of fold, and on the rows to judge on."""

    loss: float
    judged: float


class Problem:
    """LightGBM on one data set; a fit is a function of its parameters alone, so known ones are not fitted again."""

    def __init__(self, source: Source, data: Path) -> None:
        small = Source(name=source.name, n_learn=min(source.n_learn, _ROWS), n_judge=source.n_judge)
        self.draw = next(draws(small, data))
        self.view, self.judged = self.draw.views(FAMILY.view)
        self.shape = self.draw.shape(self.view)
        # Fast learning rates: what is compared is how parameters are proposed.
        self.space = {**FAMILY.space(self.shape), "learning_rate": Float(low=0.05, high=0.2, log=True)}
        self.first = [self._inside(params) for params in FAMILY.first_trials(self.shape)]
        objective = Objective(n_classes=self.shape.n_classes)
        self.prepared = FAMILY.prepare(self.view, self.draw.y, weights=None, folds=self.draw.folds, objective=objective)
        self._known: dict[str, Score] = {}

    def score(self, params: Params) -> Score:
        """Fit three folds."""
        key = repr(sorted(params.items()))
        if key not in self._known:
            self._known[key] = self._fit(params)
        return self._known[key]

    def _fit(self, params: Params) -> Score:
        proba = np.zeros((self.draw.y.size, self.shape.n_classes))
        judgement = np.zeros((self.draw.y_judge.size, self.shape.n_classes))
        for number, fold in enumerate(self.draw.folds):
            limits = Limits(seed=number + 1, max_rounds=_ROUNDS)
            fitted = FAMILY.fit(self.prepared, number, params=params, limits=limits)
            proba[fold.valid] = fold_proba(fitted)
            said = sharpen(FAMILY.predict_proba(fitted.model, self.judged.X), fitted.sharpness)
            judgement += said / len(self.draw.folds)
        return Score(loss=log_loss(self.draw.y, proba), judged=log_loss(self.draw.y_judge, judgement))

    def _inside(self, params: Params) -> Params:
        rate = max(float(str(params["learning_rate"])), 0.05)
        return {name: rate if name == "learning_rate" else params[name] for name in self.space}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One search: the scores of its trials in order, and seconds of processor time per question to the sampler."""

    scores: tuple[Score, ...]
    ask_s: float

    def best(self, n_trials: int) -> Score:
        """Return the score of the trial that a search of this length keeps."""
        return min(self.scores[:n_trials], key=lambda score: score.loss)


def search(problem: Problem, make: Callable[[int], BaseSampler], *, seed: int, n_trials: int) -> Run:
    """Run one search under the lag."""
    study = optuna.create_study(direction="minimize")
    distributions = {name: _distribution(dimension) for name, dimension in problem.space.items()}
    scores: list[Score] = []
    asked: list[float] = []
    for number in range(n_trials):
        if number >= LAG:
            study.tell(number - LAG, scores[number - LAG].loss)
        if number < len(problem.first):
            params: Params = problem.first[number]
            known = {name: params[name] for name in distributions}
            study.add_trial(create_trial(state=TrialState.RUNNING, params=known, distributions=distributions))
        else:
            study.sampler = make(1000 * seed + number)
            began = time.process_time()
            params = study.ask(fixed_distributions=distributions).params
            asked.append(time.process_time() - began)
        scores.append(problem.score(params))
    return Run(scores=tuple(scores), ask_s=float(np.mean(asked)))


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=list(_SETS))
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    made = {name: make for name, make in SAMPLERS.items() if _has(_NEEDS.get(name))}
    runs: dict[str, list[Run]] = {name: [] for name in made}
    with threadpool_limits(1):
        for source in [source for source in SOURCES if source.name in arguments.sets]:
            problem = Problem(source, arguments.data)
            for seed in range(arguments.seeds):
                for name, make in made.items():
                    runs[name].append(search(problem, make, seed=seed, n_trials=arguments.trials))
            print(f"{source.name}: {time.process_time():.0f} s of processor time so far", flush=True)
    print(table(runs))
    print("\n".join(f"{name}: skipped, no package {_NEEDS[name]}" for name in SAMPLERS if name not in made))


def table(runs: dict[str, list[Run]]) -> str:
    """Return mean ranks and mean losses of what each search would keep after 10, 20 and 40 trials."""
    head = [f"{what} at {n}" for what in ("rank", "loss", "judged loss") for n in CHECKPOINTS]
    text = [f"| sampler | {' | '.join(head)} | ms an ask |", "|---" * (len(head) + 2) + "|"]
    kept = {n: np.array([[run.best(n).loss for run in found] for found in runs.values()]) for n in CHECKPOINTS}
    judged = {n: np.array([[run.best(n).judged for run in found] for found in runs.values()]) for n in CHECKPOINTS}
    for row, (name, found) in enumerate(runs.items()):
        cells = [f"{_ranks(kept[n])[row]:.2f}" for n in CHECKPOINTS]
        cells += [f"{values[n][row].mean():.4f}" for values in (kept, judged) for n in CHECKPOINTS]
        text.append(f"| {name} | {' | '.join(cells)} | {1000 * np.mean([run.ask_s for run in found]):.1f} |")
    return "\n".join(text)


def _ranks(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean rank of each row, 1 the lowest loss, equal ones sharing theirs."""
    below = (losses[:, None, :] > losses[None, :, :]).sum(axis=1)
    equal = (losses[:, None, :] == losses[None, :, :]).sum(axis=1)
    mean: NDArray[np.float64] = (below + (equal + 1) / 2).mean(axis=1)
    return mean


def _has(package: str | None) -> bool:
    try:
        return package is None or importlib.import_module(package) is not None
    except ModuleNotFoundError:
        return False


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.options)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


if __name__ == "__main__":
    main()
