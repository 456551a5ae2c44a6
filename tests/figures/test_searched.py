from __future__ import annotations

import numpy as np
import pytest

from mltrain.figures import TrialPoint, draw_search
from mltrain.figures.canvas import sheet
from mltrain.figures.searched import fill_history, window

NAN = float("nan")


def point(number, score, state="complete"):
    return TrialPoint(number=number, state=state, score=score, params={})


MIXED = [
    point(0, 0.80),
    point(1, None, "pruned"),
    point(2, 0.84),
    point(3, None, "failed"),
    point(4, 0.82, "cut"),
    point(5, None, "cut"),
    point(6, 0.81, "pruned"),
    point(7, NAN),
]


def drawn_history(tmp_path, trials, *, greater_is_better=True):
    """Return the figure after it was drawn."""
    with sheet(tmp_path / "history.png") as figure:
        fill_history(figure, trials, metric="roc_auc", greater_is_better=greater_is_better)
    return figure


def n_points(axes):
    return sum(len(drawn.get_offsets()) for drawn in axes.collections)


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_trial_is_drawn_once(tmp_path):
    figure = drawn_history(tmp_path, MIXED)

    assert [n_points(axes) for axes in figure.axes] == [4, 4]


def test_states_are_told_apart_by_name_colour_and_marker(tmp_path):
    axes, strip = drawn_history(tmp_path, MIXED).axes

    looks = {(tuple(one.get_facecolor()[0]), one.get_paths()[0].vertices.tobytes()) for one in axes.collections}
    assert len(looks) == 3
    colours = {tuple(one.get_facecolor()[0]) for one in strip.collections}
    assert len(colours) == 4
    names = [tick.get_text() for tick in strip.get_yticklabels()]
    assert names == ["complete: 1", "pruned: 1", "cut by the clock: 1", "failed: 1"]


def test_legend_counts_trials_with_a_score(tmp_path):
    figure = drawn_history(tmp_path, MIXED)

    assert legend_texts(figure) == [
        "complete: 2",
        "pruned: 1",
        "cut by the clock: 1",
        "best complete one so far: 0.8400",
    ]
    assert figure.axes[0].get_title(loc="left") == "Optimisation history: 8 trials, 4 with a score"


def test_no_strip_when_every_trial_has_a_score(tmp_path):
    assert len(drawn_history(tmp_path, [point(0, 0.5), point(1, 0.6)]).axes) == 1


@pytest.mark.parametrize(("greater_is_better", "best"), [(True, [0.5, 0.5, 0.7, 0.7]), (False, [0.5, 0.4, 0.4, 0.4])])
def test_best_so_far_runs_on_to_the_last_trial(tmp_path, greater_is_better, best):
    trials = [point(2, 0.7), point(0, 0.5), point(1, 0.4), point(9, None, "failed")]

    line = drawn_history(tmp_path, trials, greater_is_better=greater_is_better).axes[0].lines[0]

    assert line.get_xdata().tolist() == [0, 1, 2, 9]
    assert line.get_ydata().tolist() == best


@pytest.mark.parametrize("sign", [1, -1])
def test_scores_far_off_are_arrows_at_the_edge_and_named(tmp_path, sign):
    trials = [point(number, sign * (0.9 + 0.001 * number)) for number in range(20)] + [point(20, sign * 0.5)]

    figure = drawn_history(tmp_path, trials, greater_is_better=sign > 0)

    axes = figure.axes[0]
    edge = axes.get_ylim()[0 if sign > 0 else 1]
    arrows = axes.collections[1]
    assert arrows.get_offsets().tolist() == [[20, edge]]
    assert not arrows.get_clip_on()
    assert legend_texts(figure)[1] == f"complete, off the scale: 1 (at {sign * 0.5:g})"


@pytest.mark.parametrize("greater_is_better", [True, False])
def test_no_point_within_the_limits_touches_the_edge(greater_is_better):
    scores = np.random.default_rng(0).normal(size=200)

    limits = window(scores.tolist(), greater_is_better=greater_is_better)

    held = scores[(scores >= limits.low) & (scores <= limits.high)]
    air = 0.05 * np.ptp(held)
    assert held.min() - limits.low > air
    assert limits.high - held.max() > air


@pytest.mark.parametrize("scores", [[0.7], [0.7, 0.7], [0.8, 0.82, 0.7]])
def test_few_scores_are_all_within_the_limits(scores):
    limits = window(scores, greater_is_better=True)

    assert limits.low < min(scores)
    assert max(scores) < limits.high


def test_history_of_cut_trials_only_is_drawn(tmp_path):
    paths = draw_search(tmp_path, trials=[point(0, 0.5, "cut")], metric="f1", greater_is_better=True)

    assert [path.name for path in paths] == ["optimisation_history.png"]
