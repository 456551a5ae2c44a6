"""Figures of a search: the history of trials, the learning curve of a fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mltrain.figures.canvas import BLUE, GOLD, GREY, INK, ORANGE, RED, drawn, legend, plain, sheet
from mltrain.metrics import Floats

State = Literal["complete", "pruned", "failed", "cut"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPoint:
    """One trial of a study; ``score`` is None when it has none."""

    number: int
    state: State
    score: float | None
    params: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """How trials of one state are drawn."""

    state: State
    name: str
    marker: str
    colour: str


_LOOKS = (
    _Look(state="complete", name="complete", marker="o", colour=BLUE),
    _Look(state="pruned", name="pruned", marker="x", colour=GREY),
    _Look(state="cut", name="cut by the clock", marker="D", colour=GOLD),
    _Look(state="failed", name="failed", marker="s", colour=RED),
)


def draw_optimisation_history(
    path: Path, trials: Sequence[TrialPoint], *, metric: str, greater_is_better: bool
) -> None:
    """Draw every trial by its state, and the best so far.

    Trials without a score stand in a strip below, a row for each state. A few very bad scores do not squeeze the
    rest: they stand at the edge as arrows, and the legend says how far they lie.
    """
    n_unscored_states = len({one.state for one in trials if not has_score(one)})
    with sheet(path, height=5.2 + 0.24 * n_unscored_states) as figure:
        fill_history(figure, trials, metric=metric, greater_is_better=greater_is_better)


def fill_history(figure: Figure, trials: Sequence[TrialPoint], *, metric: str, greater_is_better: bool) -> None:
    """Draw the history of trials, one of which at least has a score, into an empty figure."""
    ordered = sorted(trials, key=lambda one: one.number)
    scored = [one for one in ordered if has_score(one)]
    unscored = [one for one in ordered if not has_score(one)]
    rows = [look for look in _LOOKS if any(one.state == look.state for one in unscored)]
    axes, strip = _panels(figure, n_rows=len(rows))
    limits = window([one.score or 0.0 for one in scored], greater_is_better=greater_is_better)
    axes.set_ylim(limits.low, limits.high)
    _draw_scored(axes, scored, limits=limits)
    _draw_best(axes, ordered, greater_is_better=greater_is_better)
    if strip is not None:
        _draw_unscored(strip, unscored, rows=rows)
    direction = "higher is better" if greater_is_better else "lower is better"
    title = f"Optimisation history: {len(ordered)} trials, {len(scored)} with a score"
    axes.set(ylabel=f"{plain(metric)} ({direction})", title=title)
    last = axes if strip is None else strip
    last.set_xlabel("Trial")
    last.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def has_score(trial: TrialPoint) -> bool:
    """Say whether a trial has a score that can be drawn."""
    return trial.score is not None and math.isfinite(trial.score)


def _panels(figure: Figure, *, n_rows: int) -> tuple[Axes, Axes | None]:
    """Return axes for scores and, where it has rows, a strip below them with the same trials."""
    if not n_rows:
        return figure.add_subplot(), None
    axes, strip = figure.subplots(2, 1, sharex=True, height_ratios=[4.0, 0.12 + 0.24 * n_rows])
    return axes, strip


def _draw_scored(axes: Axes, scored: Sequence[TrialPoint], *, limits: Window) -> None:
    """Draw trials at their scores; those beyond the limits as arrows at the edge."""
    for look in _LOOKS:
        chosen = [one for one in scored if one.state == look.state]
        inside = [one for one in chosen if limits.low <= (one.score or 0.0) <= limits.high]
        if inside:
            label = f"{look.name}: {len(inside)}"
            axes.scatter(*_points(inside), s=22, color=look.colour, marker=look.marker, label=label, zorder=3)
        _draw_outside(axes, chosen, look=look, limits=limits)


def _draw_outside(axes: Axes, chosen: Sequence[TrialPoint], *, look: _Look, limits: Window) -> None:
    """Draw arrows at the edge, and say in the legend how far beyond it the scores lie."""
    for edge, marker, sign in ((limits.low, "v", -1), (limits.high, "^", 1)):
        beyond = [one for one in chosen if sign * ((one.score or 0.0) - edge) > 0]
        if beyond:
            numbers, scores = _points(beyond)
            ends = dict.fromkeys((f"{scores.min():.4g}", f"{scores.max():.4g}"))
            axes.scatter(
                numbers, np.full(len(scores), edge), s=40, color=look.colour, marker=marker, clip_on=False, zorder=4,
                label=f"{look.name}, off the scale: {len(scores)} (at {' to '.join(ends)})",
            )  # fmt: skip


def _draw_best(axes: Axes, ordered: Sequence[TrialPoint], *, greater_is_better: bool) -> None:
    """Draw the best score among the complete trials so far, on to the last trial."""
    complete = [one for one in ordered if one.state == "complete" and has_score(one)]
    if not complete:
        return
    numbers, scores = _points(complete)
    running = np.maximum.accumulate(scores) if greater_is_better else np.minimum.accumulate(scores)
    numbers, running = np.append(numbers, ordered[-1].number), np.append(running, running[-1])
    label = f"best complete one so far: {running[-1]:.4f}"
    axes.step(numbers, running, where="post", color=ORANGE, label=label, zorder=2)


def _draw_unscored(strip: Axes, unscored: Sequence[TrialPoint], *, rows: Sequence[_Look]) -> None:
    """Draw trials without a score, a row for each state."""
    names = []
    for place, look in enumerate(rows):
        numbers = [one.number for one in unscored if one.state == look.state]
        strip.scatter(numbers, np.full(len(numbers), place), s=22, color=look.colour, marker=look.marker)
        names.append(f"{look.name}: {len(numbers)}")
    strip.set_yticks(range(len(rows)), names)
    strip.set_ylim(len(rows) - 0.4, -0.6)
    strip.set_title("Without a score", fontsize=9, fontweight="normal")


def _points(trials: Sequence[TrialPoint]) -> tuple[Floats, Floats]:
    """Return numbers and scores."""
    return np.array([float(one.number) for one in trials]), np.array([one.score or 0.0 for one in trials])


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Limits of an axis of scores."""

    low: float
    high: float


def window(scores: Sequence[float], *, greater_is_better: bool) -> Window:
    """Return limits with air that hold all scores but those far worse than the better nine tenths.

    Far is the breadth of the better nine tenths beyond the worst of them.
    """
    merits = np.sort(np.array(scores) if greater_is_better else -np.array(scores))
    better = merits[len(merits) // 10 :]
    held = merits[merits >= better[0] - (better[-1] - better[0])]
    air = 0.08 * (held[-1] - held[0]) or 0.01
    ends = (float(held[0] - air), float(held[-1] + air))
    return Window(low=ends[0], high=ends[1]) if greater_is_better else Window(low=-ends[1], high=-ends[0])


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
