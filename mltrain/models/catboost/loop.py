"""The library's boosting loop, watched: its callback sees every round."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from catboost import CatBoost

from mltrain.models.catboost.data import FoldPools
from mltrain.models.rounds import RoundWatch, Stop
from mltrain.space import Scalar

# After each round the library makes Python numbers of all losses so far: 8 s for 3,000 rounds with all their losses.
_MOST_LOSSES = 200
_PROBE_ROUNDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Boosted:
    """A model not yet cut to its best round, and why boosting ended; None for all rounds."""

    model: CatBoost
    watch: RoundWatch
    stopped: Stop | None


def boost(
    data: FoldPools,
    *,
    params: Mapping[str, Scalar],
    n_rounds: int,
    look_every: int,
    watch: RoundWatch,
    is_interruptible: bool = True,
) -> Boosted:
    """Grow at most ``n_rounds`` rounds of trees; the clock is looked at after each, the losses after some.

    Parameters
    ----------
    look_every : int
        Rounds from one look at the losses to the next.
    is_interruptible : bool
        False where the library takes no callback, on a GPU: the rounds that end before the deadline are then estimated
        from a short fit, and what the callback would have stopped is cut off afterwards.
    """
    if is_interruptible:
        listener = _Listener(watch=watch)
        model = _fit(data, params=params, n_rounds=n_rounds, period=look_every, callbacks=[listener])
        return Boosted(model=model, watch=watch, stopped=listener.stopped)
    affordable = _affordable_rounds(data, params=params, n_rounds=n_rounds, deadline=watch.limits.deadline)
    model = _fit(data, params=params, n_rounds=affordable, period=look_every)
    stopped = _replay(model, watch=watch, n_rounds=affordable, period=look_every)
    return Boosted(model=model, watch=watch, stopped=stopped or ("deadline" if affordable < n_rounds else None))


def look_every(n_rounds: int) -> int:
    """Return after how many rounds each the losses of a fit are looked at that nobody stops before ``n_rounds``.

    A fit that is made again with the rounds that it kept has to look at the same ones, or another is its best.
    """
    return max(1, n_rounds // _MOST_LOSSES)


@dataclass(kw_only=True, slots=True)
class _Listener:
    """What the library calls after each round, and what came of it."""

    watch: RoundWatch
    stopped: Stop | None = None
    n_seen: int = 0

    def after_iteration(self, info: SimpleNamespace) -> bool:
        """Return whether to go on."""
        train = _losses(info.metrics, "learn")
        if len(train) > self.n_seen:
            self.n_seen = len(train)
            valid = _losses(info.metrics, "validation")
            self.stopped = self.watch.see(info.iteration, train_loss=train[-1], valid_loss=valid[-1] if valid else None)
        elif self.watch.limits.is_over:
            self.stopped = "deadline"
        return self.stopped is None


def _replay(model: CatBoost, *, watch: RoundWatch, n_rounds: int, period: int) -> Stop | None:
    """Show the watch the losses of a fit that nobody could stop."""
    losses = model.get_evals_result()
    train, valid = _losses(losses, "learn"), _losses(losses, "validation")
    for position, train_loss in enumerate(train):
        round_ = min(position * period + 1, n_rounds)
        stop = watch.see(round_, train_loss=train_loss, valid_loss=valid[position] if valid else None)
        # All rounds are there already, whatever the clock says by now.
        if stop is not None and stop != "deadline":
            return stop
    return None


def _affordable_rounds(data: FoldPools, *, params: Mapping[str, Scalar], n_rounds: int, deadline: float | None) -> int:
    """Return the rounds that a fit of this speed ends before the deadline; the setup counts as rounds."""
    if deadline is None or n_rounds <= _PROBE_ROUNDS:
        return n_rounds
    began = time.monotonic()
    _fit(data, params=params, n_rounds=_PROBE_ROUNDS, period=_PROBE_ROUNDS)
    now = time.monotonic()
    per_round = (now - began) / _PROBE_ROUNDS
    return max(1, min(n_rounds, math.floor((deadline - now) / max(per_round, 1e-6))))


def _fit(
    data: FoldPools,
    *,
    params: Mapping[str, Scalar],
    n_rounds: int,
    period: int,
    callbacks: list[_Listener] | None = None,
) -> CatBoost:
    model = CatBoost({**params, "iterations": n_rounds, "metric_period": period})
    model.fit(data.train, eval_set=data.valid, callbacks=callbacks)
    return model


def _losses(metrics: Mapping[str, Mapping[str, Any]], part: str) -> list[float]:
    """Return the log losses of one part of the rows; there is one metric, and none without such rows."""
    return next(iter(metrics.get(part, {}).values()), [])
