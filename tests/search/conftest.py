"""A family whose fits are cheap, exact and as slow or as faulty as a test asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import pytest

from mltrain.metrics import resolve
from mltrain.models import Fitted, Fold, Limits, Objective, View
from mltrain.search import SearchJob, Study, Trial
from mltrain.space import Choice, Float, Int, Params


@dataclass
class ToyFamily:
    """Predicts a logistic function of the first column; how well, depends on the parameters."""

    name: str = "toy"
    view: str = "native"
    simplicity: int = 0
    parameters: frozenset[str] = frozenset({"slope", "rounds", "kind"})
    libraries: tuple[str, ...] = ()
    seconds: Callable[[int, int], float] = lambda n_call, fold: 0.0
    """Sleep of a fit, by the number of the call and the fold."""
    lasts: Callable[[Params], float] = lambda params: 0.0
    """The same by its parameters; added up."""
    refuses: Callable[[Params], bool] = lambda params: False
    spoils: Callable[[Params], bool] = lambda params: False
    sharpness: Callable[[int], float] = lambda fold: 1.0
    on_fit: Callable[[int], None] = lambda n_call: None
    calls: list[tuple[int, int]] = field(default_factory=list)
    """Seed and fold of each fit."""
    lock: Any = field(default_factory=Lock)

    def prepare(self, view, y, *, weights, folds, objective, threads=1, first=None):
        return view, y, tuple(folds)

    def fit(self, prepared, fold, *, params, limits: Limits) -> Fitted:
        with self.lock:
            self.calls.append((limits.seed, fold))
            n_call = len(self.calls)
        self.on_fit(n_call)
        if self.refuses(params):
            raise ValueError(f"slope {params['slope']} is out of range")
        view, y, folds = prepared
        rows = folds[fold].valid
        n_rounds = int(params["rounds"]) if limits.max_rounds is None else limits.max_rounds
        pause_s = (self.seconds(n_call, fold) + self.lasts(params)) / n_rounds
        losses: list[float] = []
        stopped = "done"
        for n_round in range(1, n_rounds + 1):
            if pause_s:
                time.sleep(pause_s)
            proba = self._proba(view.X[rows], params, n_round, limits.seed)
            losses.append(_log_loss(y[rows], proba) if rows.size else 0.0)
            if rows.size and limits.on_round is not None and limits.on_round(n_round, losses[-1]):
                stopped = "pruned"
                break
            if limits.is_over:
                stopped = "deadline"
                break
        if self.spoils(params):
            proba = proba * np.nan
        return Fitted(
            model=(dict(params), n_round, limits.seed),
            n_rounds=n_round,
            valid_proba=proba,
            stopped=stopped,
            train_losses=tuple(losses),
            valid_losses=tuple(losses),
            loss_rounds=tuple(range(1, n_round + 1)),
            sharpness=self.sharpness(fold),
        )

    def work(self, params, shape):
        return float(shape.n_samples)  # its sleeps do not depend on its rounds

    def predict_proba(self, model, X, *, threads=1):
        return self._proba(X, *model)

    def _proba(self, X, params, n_round, seed):
        slope = params["slope"] * (1 - 0.9**n_round)
        noise = 0.05 * np.random.default_rng(seed).standard_normal(len(X))
        shift = {"left": 0.3, "right": -0.3, "none": 0.0}[params["kind"]]
        positive = 1 / (1 + np.exp(-(slope * X[:, 0] + shift + noise)))
        return np.column_stack([1 - positive, positive])


SPACE = {
    "slope": Float(low=-1.0, high=3.0),
    "rounds": Int(low=1, high=40, log=True),
    "kind": Choice(options=("none", "left", "right")),
}
FIRST_TRIALS = tuple(
    {"slope": slope, "rounds": rounds, "kind": kind}
    for slope, rounds, kind in [
        (0.5, 5, "none"),
        (1.0, 20, "left"),
        (1.3, 20, "none"),
        (1.4, 25, "none"),
        (1.5, 20, "none"),
        (1.6, 30, "none"),
    ]
)


@pytest.fixture
def toy() -> type[ToyFamily]:
    return ToyFamily


@pytest.fixture
def make_job() -> Callable[..., SearchJob]:
    """Return a function that makes a job of two folds on 120 rows, with any field replaced."""

    def make(family: ToyFamily | None = None, **changes: Any) -> SearchJob:
        random = np.random.default_rng(7)
        X = random.standard_normal((120, 2)).astype(np.float32)
        y = (X[:, 0] + 0.7 * random.standard_normal(120) > 0).astype(np.int64)
        rows = np.arange(120)
        folds = tuple(Fold(train=rows[rows % 2 != part], valid=rows[rows % 2 == part]) for part in range(2))
        values = {
            "name": "toy",
            "family": family or ToyFamily(),
            "y": y,
            "folds": folds,
            "seed": 3,
            "fixed": {},
            "view": View(kind="native", X=X, feature_names=("a", "b")),
            "objective": Objective(n_classes=2),
            "metric": resolve("log_loss", n_classes=2),
            "space": SPACE,
            "first_trials": FIRST_TRIALS,
            "max_trials": 25,
            "lag": 4,
            "data_key": "rows",
        }
        return SearchJob(**(values | changes))

    return make


@pytest.fixture
def facts() -> Callable[[Study | tuple[Trial, ...]], list[tuple[Any, ...]]]:
    """Return a function that says of every trial what must not depend on time, workers or kills."""

    def tell(study: Study | tuple[Trial, ...]) -> list[tuple[Any, ...]]:
        trials = study.trials if isinstance(study, Study) else study
        return [
            (
                t.number,
                t.state,
                t.score,
                t.params,
                t.fold_scores,
                t.fold_losses,
                t.n_rounds,
                t.sharpness,
                t.seed,
                t.error,
                t.curve,
                None if t.proba is None else t.proba.tobytes(),
            )
            for t in trials
        ]

    return tell


def _log_loss(y: np.ndarray, proba: np.ndarray) -> float:
    return float(-np.log(proba[np.arange(len(y)), y]).mean())
