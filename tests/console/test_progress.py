from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from mltrain import events
from mltrain.console.live import LiveDisplay, ModelRow, updated
from mltrain.console.plain import PlainLines
from mltrain.console.progress import shown

STARTED = events.FamilyStarted(model="lgbm", max_trials=100, timeout_s=180.0, n_resumed=3)
KEPT = events.CandidateKept(model="lgbm", run_id="lgbm-1", score=0.9123, seconds=12.0)


def _trial(number: int, best: float | None) -> events.TrialFinished:
    return events.TrialFinished(
        model="lgbm", number=number, state="complete", score=0.8, best_score=best, n_finished=number + 1, seconds=0.5
    )


def _lines(every_s: float, *shown_events: events.Event) -> list[str]:
    stream = io.StringIO()
    lines = PlainLines(stream, every_s=every_s)
    for event in shown_events:
        lines.show(event)
    return stream.getvalue().splitlines()


def test_plain_lines_tell_the_story() -> None:
    told = _lines(
        0.0,
        events.StageStarted(stage="split", detail="reading adult.parquet"),
        events.StageFinished(stage="split", seconds=1.25, detail="48,842 rows"),
        STARTED,
        _trial(3, None),
        _trial(4, 0.91),
        KEPT,
        events.Notice(message="no key: offline"),
        events.Notice(message="two splits", level="info"),
    )

    assert told == [
        "split: reading adult.parquet",
        "split: 48,842 rows (1.2 s)",
        "lgbm: up to 100 trials within 3 min 00 s, 3 kept from earlier",
        "lgbm: 4 trials, best -",
        "lgbm: 5 trials, best 0.9100",
        "lgbm: kept as lgbm-1, score 0.9123 (12 s)",
        "warning: no key: offline",
        "two splits",
    ]


def test_a_trial_that_the_clock_cut_is_told_beside_those_that_ended() -> None:
    cut = replace(_trial(0, 0.8), state="cut", n_finished=0)

    assert _lines(0.0, cut) == ["lgbm: 0 trials and one cut short, best 0.8000"]


def test_trials_do_not_flood_a_log() -> None:
    told = _lines(60.0, STARTED, *(_trial(n, 0.9) for n in range(500)), KEPT)

    assert len(told) == 2


def test_a_row_follows_its_model() -> None:
    row = ModelRow(model="lgbm", state="searching", started_at=0.0)

    started = updated(row, STARTED, now=10.0)
    tried = updated(started, _trial(3, 0.91), now=11.0)
    kept = updated(tried, KEPT, now=12.0)

    assert (started.n_trials, started.max_trials, started.started_at) == (3, 100, 10.0)
    assert (tried.n_trials, tried.best_score, tried.state) == (4, 0.91, "searching")
    assert (kept.best_score, kept.state, kept.ended_at) == (0.9123, "kept", 12.0)


def test_the_live_picture_shows_trials_best_score_and_time_left() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    display = LiveDisplay(console)
    display.show(events.StageStarted(stage="train", detail="four models"))
    display.show(STARTED)
    display.show(_trial(3, 0.91))
    begun = display._rows["lgbm"].started_at

    with console.capture() as capture:
        console.print(display.picture(now=begun + 60))
    header, row, stage = (" ".join(line.split()) for line in capture.get().splitlines())

    assert header == "model trials best score time time left state"
    assert row == "lgbm 4/100 0.9100 1 min 00 s 2 min 00 s searching"
    assert stage == "train: four models"


def test_a_stage_that_ended_leaves_no_line_behind() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    display = LiveDisplay(console)
    display.show(events.StageStarted(stage="data", detail="reading"))
    display.show(events.StageFinished(stage="data", seconds=0.1, detail="1,600 rows"))

    with console.capture() as capture:
        console.print(display.picture())

    assert capture.get().strip() == ""


def test_the_display_starts_and_ends_on_a_terminal() -> None:
    stream = io.StringIO()

    with LiveDisplay(Console(file=stream, force_terminal=True, width=100)) as display:
        display.show(STARTED)
        display.show(events.Notice(message="no key [offline]"))
        display.show(KEPT)

    assert "no key [offline]" in stream.getvalue()
    assert "kept" in stream.getvalue()


def test_quiet_shows_nothing(capsys) -> None:
    with shown(-1) as listener:
        listener(STARTED)
    with shown(0) as listener:
        listener(KEPT)

    assert capsys.readouterr().err == "lgbm: kept as lgbm-1, score 0.9123 (12 s)\n"
