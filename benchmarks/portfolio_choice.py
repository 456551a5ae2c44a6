"""Choose the first trials from a journal of fits, and say what the choice is worth on data sets that it never saw.

Regrets are log loss (binary: its mean with 1 - AUC), 0 at the best single candidate of any family on that draw and 1 at
the median one, at most 3. A single model is picked by its out-of-fold loss and scored on all rows; an ensemble is
weighted out of fold and scored on the rows to judge on, so its regret may be below 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from portfolio_candidates import FAMILIES, candidates
from sklearn.metrics import roc_auc_score

from mltrain.models import Shape

Candidate = tuple[str, str]
COUNTS = {"lgbm": 8, "logistic_regression": 6, "random_forest": 6, "xgboost": 7}
_MOST_REGRET = 3.0
_MOST_ROWS = 1500
_STEPS = 25
_CHEAP = 0.4
_SHAPE = Shape(n_samples=1000, n_features=10, n_classes=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """All fits of one draw.

    Attributes
    ----------
    names : tuple of (family, candidate)
    regret, seconds, loss : ndarray of shape (n_candidates,)
        Seconds on one core for all folds; ``loss`` out of fold.
    own, own_judge : ndarray of shape (n_candidates, n_rows)
        Probability of the true class out of fold and on the rows to judge on: all that a mixture's loss needs.
    """

    name: str
    names: tuple[Candidate, ...]
    regret: NDArray[np.float64]
    seconds: NDArray[np.float64]
    loss: NDArray[np.float64]
    own: NDArray[np.float64]
    own_judge: NDArray[np.float64]
    seen: dict[frozenset[Candidate], float] = field(default_factory=dict)

    @property
    def data_set(self) -> str:
        """Name without the number of the draw."""
        return self.name.rpartition("-")[0]

    def at(self, candidates: Sequence[Candidate]) -> list[int]:
        """Return the positions of candidates."""
        return [self.names.index(candidate) for candidate in candidates]

    def best_regret(self, candidates: Sequence[Candidate]) -> float:
        """Return the regret of the candidate with the lowest loss out of fold."""
        positions = self.at(candidates)
        return float(self.regret[positions[int(np.argmin(self.loss[positions]))]])

    def ensemble_regret(self, candidates: Sequence[Candidate]) -> float:
        """Return the regret of a mixture whose weights maximise the likelihood out of fold."""
        key = frozenset(candidates)
        if key not in self.seen:
            positions = self.at(sorted(key))
            weights = mixture_weights(self.own[positions])
            alone = -np.log(self.own_judge).mean(axis=1)
            loss = -float(np.log(weights @ self.own_judge[positions]).mean())
            best, middle = float(alone.min()), float(np.median(alone))
            self.seen[key] = min((loss - best) / max(middle - best, 1e-9), _MOST_REGRET)
        return self.seen[key]


def mixture_weights(own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of a mixture after a few steps of expectation maximisation from equal ones."""
    weights = np.full(own.shape[0], 1 / own.shape[0])
    for _ in range(_STEPS):
        weights = weights * (own @ (1 / (weights @ own))) / own.shape[1]
    return weights / weights.sum()


def read_journal(journal: Path) -> list[Results]:
    """Return the draws that every candidate ended on."""
    wanted = [(family.name, name) for family in FAMILIES for name in candidates(family, _SHAPE)]
    folders = sorted(folder.parent for folder in journal.glob("*/rows.npz"))
    return [
        _read(folder, wanted)
        for folder in folders
        if all((folder / f"{family}.{name}.npz").exists() for family, name in wanted)
    ]


def choose(draws: Sequence[Results]) -> Mapping[str, list[str]]:
    """Return the names of the chosen candidates of each family, in order.

    The families take turns. A family's first is the best of its cheap ones; each further one is what lowers the mean
    regret of the family's best and of the ensemble of everything chosen so far most, per square root of its cost.
    """
    chosen: list[Candidate] = []
    for turn in range(max(COUNTS.values())):
        for family, count in COUNTS.items():
            if turn < count:
                chosen.append(_next(draws, family, chosen))
    return {family: [name for own, name in chosen if own == family] for family in COUNTS}


def goal(draws: Sequence[Results], family: str, chosen: Sequence[Candidate]) -> float:
    """Return the mean over data sets of the regrets of the family's best and of the ensemble of all."""
    mine = [candidate for candidate in chosen if candidate[0] == family]
    by_set: dict[str, list[float]] = {}
    for draw in draws:
        regret = 0.5 * draw.best_regret(mine) + 0.5 * draw.ensemble_regret(chosen)
        by_set.setdefault(draw.data_set, []).append(regret)
    return float(np.mean([np.mean(regrets) for regrets in by_set.values()]))


def costs(draws: Sequence[Results]) -> Mapping[Candidate, float]:
    """Return the geometric mean cost of each candidate in that of LightGBM's cheapest on the same draw."""
    relative = []
    for draw in draws:
        is_booster = np.array([family == "lgbm" for family, _ in draw.names])
        relative.append(np.log(draw.seconds / draw.seconds[is_booster].min()))
    return dict(zip(draws[0].names, np.exp(np.mean(relative, axis=0)).tolist(), strict=True))


def _next(draws: Sequence[Results], family: str, chosen: Sequence[Candidate]) -> Candidate:
    cost = costs(draws)
    left = [candidate for candidate in draws[0].names if candidate[0] == family and candidate not in chosen]
    if not any(own == family for own, _ in chosen):
        cheap = np.quantile([cost[candidate] for candidate in left], _CHEAP)
        return min(
            (candidate for candidate in left if cost[candidate] <= cheap),
            key=lambda candidate: goal(draws, family, [*chosen, candidate]),
        )
    before = goal(draws, family, chosen)

    def worth(candidate: Candidate) -> float:
        gain = before - goal(draws, family, [*chosen, candidate])
        return gain / cost[candidate] ** 0.5 if gain > 0 else gain

    return max(left, key=worth)


def report(journal: Path) -> str:
    """Return the tables."""
    draws = read_journal(journal)
    sets = sorted({draw.data_set for draw in draws})
    return "\n\n".join(
        (f"{len(draws)} draws of {len(sets)} data sets: {', '.join(sets)}.", _worth(draws), _order(draws))
    )


def _worth(draws: Sequence[Results]) -> str:
    """Return what first trials chosen without a data set are worth on it, beside those of before and random ones."""
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for name in sorted({draw.data_set for draw in draws}):
        unseen = [draw for draw in draws if draw.data_set == name]
        chosen = choose([draw for draw in draws if draw.data_set != name])
        for family in (*COUNTS, "all"):
            for kind, orders in (("before", [_before(draws)]), ("chosen", [chosen]), ("random", _random(draws))):
                found = [_curve(unseen, family, order) for order in orders]
                rows.setdefault((family, kind), []).append(np.mean(found, axis=0).tolist())
    text = [
        "| family | first trials | best of 1 | of 3 | of all | ensemble of 1 | of 3 | of all | cost of 1 | of all |"
    ]
    text.append("|---" * 10 + "|")
    for (family, kind), values in rows.items():
        mean = " | ".join(f"{value:.3f}" for value in np.mean(values, axis=0))
        text.append(f"| {family} | {kind} | {mean} |")
    return "\n".join(text)


def _curve(draws: Sequence[Results], family: str, order: Mapping[str, Sequence[str]]) -> list[float]:
    """Return regrets and costs after the first, three and all trials of one family, or of each."""
    members = COUNTS if family == "all" else {family: COUNTS[family]}
    cost = costs(draws)
    after = [[(own, name) for own in members for name in order[own][:count]] for count in (1, 3, 99)]
    best = [float(np.mean([draw.best_regret(some) for draw in draws])) for some in after]
    together = [float(np.mean([draw.ensemble_regret(some) for draw in draws])) for some in after]
    return [*best, *together, sum(cost[one] for one in after[0]), sum(cost[one] for one in after[-1])]


def _before(draws: Sequence[Results]) -> Mapping[str, list[str]]:
    return {
        family: sorted(name for own, name in draws[0].names if own == family and name.startswith("old"))[:count]
        for family, count in COUNTS.items()
    }


@cache
def _shuffles(n_candidates: int) -> list[list[int]]:
    return [np.random.default_rng(seed).permutation(n_candidates).tolist() for seed in range(10)]


def _random(draws: Sequence[Results]) -> list[Mapping[str, list[str]]]:
    orders = []
    for shuffle in _shuffles(len(draws[0].names)):
        names = [draws[0].names[position] for position in shuffle]
        orders.append(
            {family: [name for own, name in names if own == family][:count] for family, count in COUNTS.items()}
        )
    return orders


def _order(draws: Sequence[Results]) -> str:
    """Return the order chosen on all data sets, with what each trial alone is worth and costs."""
    cost, chosen = costs(draws), choose(draws)
    places = {(family, name): place for family in COUNTS for place, name in enumerate(chosen[family], start=1)}
    text = ["| family | candidate | place | mean regret alone | mean rank in its family | cost |", "|---" * 6 + "|"]
    for candidate in sorted(draws[0].names, key=lambda one: (one[0], places.get(one, 99), one[1])):
        family = [position for position, (own, _) in enumerate(draws[0].names) if own == candidate[0]]
        position = draws[0].names.index(candidate)
        alone = np.mean([draw.regret[position] for draw in draws])
        rank = np.mean([1 + np.sum(draw.regret[family] < draw.regret[position]) for draw in draws])
        place = places.get(candidate, "")
        text.append(f"| {candidate[0]} | {candidate[1]} | {place} | {alone:.3f} | {rank:.1f} | {cost[candidate]:.2f} |")
    return "\n".join(text)


def _read(folder: Path, names: Sequence[Candidate]) -> Results:
    rows = np.load(folder / "rows.npz")
    y, y_judge = rows["y"], rows["y_judge"]
    own, own_judge, wrong, seconds = [], [], [], []
    for family, name in names:
        found = np.load(folder / f"{family}.{name}.npz")
        own.append(_own(found["proba"], y))
        own_judge.append(_own(found["proba_judge"], y_judge))
        seconds.append(json.loads(str(found["facts"]))["seconds"])
        wrong.append(_wrong(found, y, y_judge))
    inside, outside = np.asarray(own), np.asarray(own_judge)
    every = -np.log(np.concatenate([inside, outside], axis=1)).mean(axis=1)
    regrets = [_regret(every)] + ([_regret(np.asarray(wrong))] if wrong[0] is not None else [])
    few = np.random.default_rng(0).permutation(y.size)[:_MOST_ROWS]
    return Results(
        name=folder.name,
        names=tuple(names),
        regret=np.mean(regrets, axis=0),
        seconds=np.maximum(np.asarray(seconds), 1e-3),
        loss=-np.log(inside).mean(axis=1),
        own=inside[:, few],
        own_judge=outside,
    )


def _own(proba: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.maximum(proba[np.arange(y.size), y].astype(np.float64), 1e-7)


def _wrong(found: Mapping[str, NDArray[np.float32]], y: NDArray[np.int64], y_judge: NDArray[np.int64]) -> float | None:
    """Return 1 - AUC of the positive class, averaged by rows over the two parts; None for many classes."""
    if found["proba"].shape[1] > 2:
        return None
    parts = ((found["proba"], y), (found["proba_judge"], y_judge))
    total = sum(part.size * (1 - roc_auc_score(part, proba[:, 1])) for proba, part in parts)
    return float(total / (y.size + y_judge.size))


def _regret(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    best, middle = losses.min(), np.median(losses)
    return np.minimum((losses - best) / max(middle - best, 1e-9), _MOST_REGRET)
