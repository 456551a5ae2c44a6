"""Figures of a search: the history of trials, the learning curve of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from mltrain.figures.canvas import BLUE, GREY, INK, ORANGE, drawn, legend, plain
from mltrain.metrics import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPoint:
    """One trial of a study; ``score`` is None when it has none."""

    number: int
    state: str
    score: float | None
    params: Mapping[str, Any]


def draw_optimisation_history(
    path: Path, trials: Sequence[TrialPoint], *, metric: str, greater_is_better: bool
) -> None:
    """Draw each trial's score and the best so far; few very bad trials do not squeeze the rest."""
    scored = sorted(
        (one for one in trials if one.score is not None and np.isfinite(one.score)), key=lambda one: one.number
    )
    complete = [one for one in scored if one.state == "complete"]
    others = [one for one in scored if one.state != "complete"]
    with drawn(path) as axes:
        axes.scatter(*_points(complete), s=18, color=BLUE, alpha=0.75, label="trial")
        if others:
            axes.scatter(*_points(others), s=18, color=GREY, marker="x", label="pruned or cut short")
        if complete:
            numbers, scores = _points(complete)
            running = np.maximum.accumulate(scores) if greater_is_better else np.minimum.accumulate(scores)
            axes.step(numbers, running, where="post", color=ORANGE, label=f"best so far: {running[-1]:.4f}")
            axes.set_ylim(*_window(scores, greater_is_better=greater_is_better))
        direction = "higher is better" if greater_is_better else "lower is better"
        axes.set(xlabel="Trial", ylabel=f"{plain(metric)} ({direction})", title="Optimisation history")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        if scored:
            legend(axes, location="lower right" if greater_is_better else "upper right")


def _points(trials: Sequence[TrialPoint]) -> tuple[Floats, Floats]:
    """Return numbers and scores."""
    return np.array([float(one.number) for one in trials]), np.array([one.score or 0.0 for one in trials])


def _window(scores: Floats, *, greater_is_better: bool) -> tuple[float, float]:
    """Return limits that hold the better nine tenths of the scores, and the best with some air."""
    worst, best = (
        (np.quantile(scores, 0.1), scores.max()) if greater_is_better else (scores.min(), np.quantile(scores, 0.9))
    )
    air = 0.08 * (best - worst) or 0.01
    return float(worst - air), float(best + air)


def draw_losses(
    path: Path, rounds: Sequence[int], *, train_losses: Sequence[float], valid_losses: Sequence[float]
) -> None:
    """Draw the log loss of a fit by round and mark the best round on validation rows."""
    with drawn(path) as axes:
        if train_losses:
            axes.plot(rounds[: len(train_losses)], train_losses, color=GREY, label="train")
        if valid_losses:
            axes.plot(rounds[: len(valid_losses)], valid_losses, color=BLUE, label="validation")
            best = int(np.argmin(valid_losses))
            label = f"best: {valid_losses[best]:.4f} at round {rounds[best]}"
            axes.plot([rounds[best]], [valid_losses[best]], "o", color=INK, markeredgecolor="white", label=label)
        axes.set(xlabel="Round", ylabel="Log loss", title="Learning curve")
        if train_losses or valid_losses:
            legend(axes, location="upper right")
