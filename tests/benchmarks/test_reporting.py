import pytest

from benchmarks.peers.reporting import render
from benchmarks.peers.reporting.clock import overshoot_table
from benchmarks.peers.reporting.own import budget_table, ensemble_table, validation_table
from benchmarks.peers.reporting.quality import metric_table, rank_table, win_table
from benchmarks.peers.results import gather


def line(contestant, auc, *, split=0, budget_s=60.0, wall_s=60.0, **more):
    return {
        "set": "german",
        "split": split,
        "contestant": contestant,
        "budget_s": budget_s,
        "when": "2026-01-02T03:04:05+00:00",
        "machine": "a machine",
        "commit": "abc1234",
        "load": 0.5,
        "cores": 2,
        "n_train": 800,
        "n_classes": 2,
        "wall_s": wall_s,
        "before_fit_s": 1.0,
        "peak_training_mb": 300.0,
        "predict_1000_s": 0.01,
        "status": "ok",
        "reason": "",
        "scores": {"roc_auc": auc, "log_loss": 1 - auc, "accuracy": auc, "brier": 0.2},
        "versions": {},
        "details": {"metric": "roc_auc", "candidates": []},
        **more,
    }


def failed(contestant, split):
    return line(contestant, 0.0, split=split, wall_s=None, status="killed", reason="no\ntime")


def candidate(model, validation, test):
    return {"model": model, "metric": "roc_auc", "validation_score": validation, "test": {"roc_auc": test}}


@pytest.fixture
def lines():
    return [
        line("mltrain", 0.80, split=0, wall_s=59.0),
        line("mltrain", 0.82, split=1, wall_s=58.0),
        line("flaml", 0.79, split=0, wall_s=61.0),
        line("flaml", 0.84, split=1, wall_s=69.0),
        line("mljar", 0.80005, split=0),
        failed("mljar", 1),
    ]


def cells(text, first):
    row = next(row for row in text.splitlines() if row.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_metric_table_shows_means_with_errors_and_the_best_in_bold(lines):
    found = cells(metric_table(gather(lines), "roc_auc", 60.0), "german")

    assert found == ["0.8100 ± 0.0100", "**0.8150 ± 0.0250**", "0.8001 (*1*)"]


def test_mean_ranks_count_failures_as_last(lines):
    text = rank_table(gather(lines), 60.0)

    # Split 0: mljar, mltrain, flaml; split 1: flaml, mltrain, mljar without a model.
    assert cells(text, "mltrain") == ["2.00 ± 0.00", "0"]
    assert cells(text, "FLAML") == ["2.00 ± 1.00", "1"]
    assert cells(text, "mljar Compete") == ["2.00 ± 1.00", "1"]


def test_win_rates_by_split_and_by_set(lines):
    text = win_table(gather(lines), 60.0, 60.0)

    assert cells(text, "FLAML") == ["50 %", "1", "0", "1", "0 %", "1"]
    assert cells(text, "mljar Compete") == ["100 %", "1", "1", "0", "100 %", "1"]


def test_overshoot_is_measured_from_process_start_and_for_the_fit_alone(lines):
    text = overshoot_table(gather(lines))

    assert cells(text, "FLAML") == ["60", "2", "0", "65.0", "+5.0", "+9.0", "50 %", "+8.0", "50 %"]
    assert cells(text, "mltrain")[3:7] == ["58.5", "-1.5", "-1.0", "0 %"]
    assert cells(text, "mljar Compete")[1:3] == ["2", "1"]


def test_a_fall_is_set_against_the_standard_error():
    short = [line("mltrain", 0.80, split=0, budget_s=15.0), line("mltrain", 0.82, split=1, budget_s=15.0)]
    slightly = [line("mltrain", 0.795, split=0), line("mltrain", 0.815, split=1)]
    clearly = [line("mltrain", 0.78, split=0), line("mltrain", 0.80, split=1)]

    # The standard error at 15 s is 0.01; paired differences do not vary at all.
    within = cells(budget_table(gather(short + slightly)), "german")
    beyond = cells(budget_table(gather(short + clearly)), "german")

    assert within[-2:] == ["-0.0050 ± 0.0000", "no (paired: yes)"]
    assert beyond[-2:] == ["-0.0200 ± 0.0000", "yes (paired: yes)"]


def test_ensemble_is_compared_with_the_single_chosen_by_validation_and_with_the_best_on_test():
    candidates = [candidate("ensemble", 0.9, 0.85), candidate("lgbm", 0.88, 0.83), candidate("xgboost", 0.87, 0.86)]
    details = {"metric": "roc_auc", "candidates": candidates}
    results = gather([line("mltrain", 0.85, details=details)])

    assert cells(ensemble_table(results, 60.0), "german") == ["+0.0200", "-0.0100", "-"]
    assert cells(ensemble_table(results, 60.0), "all by ROC AUC") == ["+0.0200", "-0.0100", ""]
    assert cells(validation_table(results, 60.0), "german") == ["+0.0500", "+0.0500", "+0.0500", "+0.0100"]


def test_whole_report_renders_and_names_what_failed(lines):
    candidates = [candidate("lgbm", 0.9, 0.85)]
    details = {"metric": "roc_auc", "candidates": candidates}
    short = line("mltrain", 0.79, budget_s=15.0, details=details)
    whole = [short] + [row | {"details": details} if row["contestant"] == "mltrain" else row for row in lines]

    text = render(whole)

    assert "## mltrain in 15 s against peers in 60 s" in text
    assert "| german | 1 | mljar Compete | 60 | killed | time |" in text
    assert "abc1234" in text


def test_an_empty_journal_says_how_to_fill_it():
    assert "python -m benchmarks.peers run" in render([])


@pytest.mark.parametrize(
    ("change", "is_fair"),
    [
        ({}, True),
        ({"when": "2026-01-02T20:00:00+00:00"}, True),
        ({"when": "2026-01-04T03:04:05+00:00"}, False),
        ({"machine": "another"}, False),
    ],
)
def test_a_race_on_several_machines_or_days_apart_is_called_unfair(change, is_fair):
    details = {"metric": "roc_auc", "candidates": [candidate("lgbm", 0.8, 0.8)]}
    ours = [line("mltrain", 0.8, split=split, details=details) for split in (0, 1)]

    text = render([*ours, line("flaml", 0.7, **change)])

    assert ("not side by side**, on several machines or days apart: german 0" in text) is not is_fair
    assert "german 1" not in text


def test_runs_of_other_commits_and_of_none_are_told_apart():
    runs = [
        line("mltrain", 0.80, split=0),
        line("mltrain", 0.82, split=1, commit="def5678+"),
        line("mltrain", 0.82, split=1, budget_s=15.0),
        line("flaml", 0.79, split=0, commit="0000000+"),
    ]

    for run in runs[:3]:
        run["details"] = {"metric": "roc_auc", "candidates": [candidate("lgbm", 0.8, 0.8)]}
    text = render(runs)

    assert "- mltrain's commit, 15 s: abc1234 (1 run)\n" in text
    assert "- mltrain's commit, 60 s: abc1234 (1 run), def5678+ (1 run)\n" in text
    assert "- **of a tree that was not committed**: german 1 (60 s)" in text
    assert "0000000" not in text


def test_one_split_does_not_tell_whether_a_longer_budget_is_worse():
    runs = [line("mltrain", 0.80, budget_s=15.0), line("mltrain", 0.70, budget_s=60.0), line("flaml", 0.79)]

    assert cells(budget_table(gather(runs)), "german")[-1] == "-"
