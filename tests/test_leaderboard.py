"""Which runs can be compared and how they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.leaderboard import LeftOut, Standing, Wanted, comparable, grouped, rank, standing
from mltrain.metrics import LOG_LOSS, ROC_AUC

SIMPLICITY = {"logistic_regression": 0, "random_forest": 1, "lgbm": 2, "ensemble": 1000}
WANTED = Wanted(data="d", target="y", metric="roc_auc", validation="v")


def _run(model: str, score: float | None = 0.8, **changes: object) -> Standing:
    run = Standing(
        model=model, run_id=f"{model}-1", session="s-1", metric="roc_auc", validation_score=score, status="finished",
        started_ms=1, source="tracker", tracker_id="k", data="d", target="y", manifest="m", validation="v",
    )  # fmt: skip
    return replace(run, **changes)  # type: ignore[arg-type]


def _models(standings: tuple[Standing, ...]) -> list[str]:
    return [s.model for s in standings]


def test_the_best_score_stands_first_in_the_direction_of_the_metric() -> None:
    runs = [_run("lgbm", 0.3), _run("ensemble", 0.5), _run("random_forest", 0.4)]

    assert _models(rank(runs, ROC_AUC, near_tie=0, simplicity=SIMPLICITY.__getitem__)) == [
        "ensemble", "random_forest", "lgbm",
    ]  # fmt: skip
    assert _models(rank(runs, LOG_LOSS, near_tie=0, simplicity=SIMPLICITY.__getitem__)) == [
        "lgbm", "random_forest", "ensemble",
    ]  # fmt: skip


def test_a_run_that_began_too_long_ago_is_left_out_and_said() -> None:
    young, old = _run("lgbm", started_ms=500), _run("random_forest", started_ms=499)

    kept, left_out = comparable([young, old], replace(WANTED, began_after_ms=500))

    assert _models(kept) == ["lgbm"]
    assert left_out == (LeftOut(reason="too old (evaluate.max_age_days)", n_runs=1),)


@pytest.mark.parametrize(
    ("near_tie", "expected"),
    [
        (0.0, ["ensemble", "lgbm", "logistic_regression"]),
        (0.005, ["lgbm", "ensemble", "logistic_regression"]),
        (0.05, ["logistic_regression", "lgbm", "ensemble"]),
    ],
)
def test_near_ties_go_to_the_simpler_model(near_tie: float, expected: list[str]) -> None:
    runs = [_run("logistic_regression", 0.890), _run("ensemble", 0.904), _run("lgbm", 0.900)]

    assert _models(rank(runs, ROC_AUC, near_tie=near_tie, simplicity=SIMPLICITY.__getitem__)) == expected


def test_within_one_standard_error_of_the_best_score_the_simplest_stands_first() -> None:
    runs = [
        _run("logistic_regression", 0.880, validation_error=0.5),
        _run("ensemble", 0.904, validation_error=0.01),
        _run("lgbm", 0.9),
    ]

    ranked = rank(runs, ROC_AUC, near_tie="one_standard_error", simplicity=SIMPLICITY.__getitem__)
    unknown = rank([replace(run, validation_error=None) for run in runs], ROC_AUC, near_tie="one_standard_error",
                   simplicity=SIMPLICITY.__getitem__)  # fmt: skip

    assert _models(ranked) == ["lgbm", "ensemble", "logistic_regression"]
    assert _models(unknown) == ["ensemble", "lgbm", "logistic_regression"]


def test_equally_simple_ones_go_to_the_faster_then_to_the_newer() -> None:
    slow, fast = _run("lgbm", latency_ms=9.0, run_id="slow"), _run("lgbm", latency_ms=2.0, run_id="fast")
    newer = replace(fast, run_id="newer", started_ms=2)

    ranked = rank([slow, fast, newer], ROC_AUC, near_tie=0, simplicity=SIMPLICITY.__getitem__)

    assert [s.run_id for s in ranked] == ["newer", "fast", "slow"]


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0, 0.2))
def test_ranking_loses_nobody_and_never_passes_a_clearly_better_one(scores: list[float], near_tie: float) -> None:
    runs = [_run("lgbm", score, run_id=f"r{i}") for i, score in enumerate(scores)]

    ranked = rank(runs, ROC_AUC, near_tie=near_tie, simplicity=SIMPLICITY.__getitem__)

    assert sorted(s.run_id for s in ranked) == sorted(s.run_id for s in runs)
    kept = [s.validation_score or 0.0 for s in ranked]
    assert all(later <= earlier + near_tie + 1e-12 for i, earlier in enumerate(kept) for later in kept[i + 1 :])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "running"}, "not finished: running"),
        ({"status": "failed"}, "not finished: failed"),
        ({"validation_score": None}, "without a score or a model"),
        ({"manifest": ""}, "without a score or a model"),
        ({"data": "other"}, "trained on other data"),
        ({"target": "z"}, "trained for another target"),
        ({"metric": "f1"}, "compared by another metric (f1)"),
        ({"validation": "w"}, "validated otherwise (w instead of v)"),
        ({"validation": ""}, "validated otherwise (not said how instead of v)"),
    ],
)
def test_runs_that_cannot_be_compared_are_left_out_with_the_reason(changes: dict[str, object], reason: str) -> None:
    kept, left_out = comparable([_run("lgbm"), _run("xgboost", **changes)], WANTED)

    assert _models(kept) == ["lgbm"]
    assert left_out == (LeftOut(reason=reason, n_runs=1),)


def test_a_run_is_read_from_tags_as_text() -> None:
    tags = {"mltrain.run_id": "lgbm-1", "mltrain.model": "lgbm", "mltrain.session": "s", "mltrain.metric": "f1"}

    read = standing(
        tags, {"validation_score": 0.5}, tracker_id="key", status="finished", started_ms=5, source="tracker", url=None
    )

    assert (read.run_id, read.model, read.session, read.metric) == ("lgbm-1", "lgbm", "s", "f1")
    assert (read.tracker_id, read.validation_score, read.manifest) == ("key", 0.5, "")


def test_groups_stand_together_newest_first_and_best_first_within() -> None:
    old = [_run("lgbm", 0.9, data="old", started_ms=1), _run("xgboost", 0.95, data="old", started_ms=2)]
    new = [_run("lgbm", 0.4, metric="log_loss", started_ms=3), _run("xgboost", 0.3, metric="log_loss", started_ms=4)]
    unscored = _run("random_forest", None, metric="log_loss", started_ms=9)

    shown = grouped([*old, *new, unscored], is_greater_better=lambda metric: metric != "log_loss")

    assert [(s.model, s.data) for s in shown] == [
        ("xgboost", "d"), ("lgbm", "d"), ("random_forest", "d"), ("xgboost", "old"), ("lgbm", "old"),
    ]  # fmt: skip
