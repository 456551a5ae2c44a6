import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from stopwatch import Key, Setting, Stopwatch
from where_time_goes_report import Profile, phase_table, profile_table, summary


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def place():
    def inner():
        burn(0.02)

    def outer(*, family):
        burn(0.04)
        for _ in range(3):
            made.inner()

    made = SimpleNamespace(inner=inner, outer=outer)
    return made


@pytest.mark.parametrize("fine", [False, True])
def test_each_part_gets_its_own_seconds_and_the_family_of_the_call_around_it(fine):
    watch, made = Stopwatch(), place()
    watch.wrap(made, "inner", Setting(part="inner"), fine=fine)
    watch.wrap(made, "outer", Setting(part="outer", stage="s", family=lambda family: family, threads=lambda **_: 3))

    made.outer(family="lgbm")

    spent = watch.spent()
    inner, outer = spent[Key("s", "lgbm", "inner")], spent[Key("s", "lgbm", "outer")]
    assert set(spent) == {Key("s", "lgbm", "inner"), Key("s", "lgbm", "outer")}
    assert inner.cpu_s + outer.cpu_s == pytest.approx(0.10, rel=0.15)
    assert inner.weight == pytest.approx(2 * inner.cpu_s)
    assert watch.covered_s(main=True) == pytest.approx(inner.cpu_s + outer.cpu_s)
    assert watch.covered_s(main=False) == 0


def test_a_coarse_clock_inside_leaves_exactly_the_rest():
    watch, made = Stopwatch(), place()
    watch.wrap(made, "inner", Setting(part="inner"))
    with watch.clock(Setting(part="whole")):
        made.outer(family="")

    assert watch.spent()[Key("", "", "inner")].cpu_s == pytest.approx(0.06, rel=0.1)
    assert watch.spent()[Key("", "", "whole")].cpu_s == pytest.approx(0.04, rel=0.1)


def test_an_error_ends_the_clock():
    watch = Stopwatch()
    made = SimpleNamespace(fail=lambda: 1 / 0)
    watch.wrap(made, "fail", Setting(part="fail"))

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            made.fail()

    assert watch.spent()[Key("", "", "fail")].n_calls == 2


def clocks():
    return {
        "startup_s": 1.0,
        "process_s": 12.0,
        "main_s": 2.0,
        "workers_s": 5.0,
        "children_s": 0.5,
        "cores": 2,
        "phases": {
            "start-up": {"wall_s": 2.0, "cpu_s": 1.0, "held_s": 0.5},
            "search": {"wall_s": 7.0, "cpu_s": 11.0, "held_s": 9.0},
        },
        "spent": [
            ["search", "lgbm", "fit", 3.0, 3.0, 3.0],
            ["refit", "lgbm", "fit", 1.0, 1.0, 0.0],
            ["search", "xgboost", "predict", 1.0, 1.0, 0.0],
            ["whole", "", "imports", 2.0, 2.0, 0.0],
        ],
        "trials": {"lgbm": {"complete": 4, "cut": 1}},
        "threads": {"lgbm": 2},
    }


def test_seconds_of_a_librarys_threads_go_to_those_who_asked_for_them_and_all_shares_make_the_whole():
    profile = Profile.of("adult", clocks(), wall_s=10.0, total_s=12.5, load=0.3)

    assert profile.seconds("fit", "lgbm") == pytest.approx(3 + 1 + 3)
    assert profile.seconds("threads of nobody known") == pytest.approx(12 - 1 - 2 - 5 - 3)
    assert profile.refit_s == pytest.approx(1)
    assert profile.own_s == pytest.approx(8)
    assert profile.busy_s + profile.idle_s == pytest.approx(profile.capacity_s)
    # Held at most what is idle: 0.5 of 3 in the start, 3 of 9 in the search, nothing known of the end.
    assert profile.held_s == pytest.approx(0.5 + 3)
    assert profile.phases["leaving the process"]["wall_s"] == pytest.approx(1)


def test_tables_have_a_row_for_each_set_part_and_phase():
    profile = Profile.of("adult", clocks(), wall_s=10.0, total_s=12.5, load=0.3)

    assert summary([profile])[2] == "| adult | 10.0 | 40.0 | 22.5 | 37.5 | 17.5 | 64.0 | 0.3 | lgbm 5 |"
    rows = profile_table(profile, ["lgbm", "xgboost"])
    assert "| fit | 7.00 | 35.0 | 7.00 |  |" in rows
    assert rows[-1] == "Refits took 1.00 s of it. Threads of a fit: lgbm 2. Trials: lgbm 4 complete, 1 cut."
    assert "| search | 7.00 | 1.57 | 3.00 | 9.00 |" in phase_table(profile)
