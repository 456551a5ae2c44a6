from __future__ import annotations

import io
import logging
import re
import threading
from dataclasses import replace

import pytest
from rich.console import Console

from mltrain import events
from mltrain.console import logs
from mltrain.console.live import LiveDisplay, ModelRow, updated
from mltrain.console.plain import PlainLines
from mltrain.console.progress import shown

STARTED = events.FamilyStarted(model="lgbm", max_trials=100, timeout_s=180.0, n_resumed=3, best_score=0.9)
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
        "lgbm: up to 100 trials within 3 min 00 s, 3 kept from earlier, best trial 0.9000",
        "lgbm: 4 trials, best trial -",
        "lgbm: 5 trials, best trial 0.9100",
        "lgbm: kept as lgbm-1, score 0.9123 (12 s)",
        "warning: no key: offline",
        "two splits",
    ]


def test_a_trial_that_the_clock_cut_is_told_beside_those_that_ended() -> None:
    cut = replace(_trial(0, 0.8), state="cut", n_finished=0)

    assert _lines(0.0, cut) == ["lgbm: 0 trials and one cut short, best trial 0.8000"]


def test_one_trial_is_no_trials() -> None:
    told = _lines(0.0, replace(STARTED, max_trials=1, n_resumed=0), _trial(0, 0.8))

    assert told == ["lgbm: up to 1 trial within 3 min 00 s", "lgbm: 1 trial, best trial 0.8000"]


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
    assert (kept.best_score, kept.score, kept.state) == (0.91, 0.9123, "kept")


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

    assert header == "model trials best trial time left state"
    assert row == "lgbm 4/100 0.9100 2 min 00 s searching"
    assert stage == "train: four models (1 min 00 s so far)"


def _shown(display: LiveDisplay, *, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(display.picture())
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_a_resumed_search_shows_the_best_of_what_it_has() -> None:
    display = LiveDisplay(Console(file=io.StringIO(), width=80))
    display.show(STARTED)

    assert _shown(display)[1] == "lgbm 3/100 0.9000 3 min 00 s searching"


def test_a_family_without_a_model_is_left_out_and_its_clock_stands() -> None:
    console = Console(file=io.StringIO(), width=80)
    display = LiveDisplay(console)
    display.show(events.FamilyStarted(model="lgbm", max_trials=100, timeout_s=18.0))
    display.show(events.FamilyLeftOut(model="lgbm", reason="no trial ended in time"))

    assert _shown(display)[1] == "lgbm 0/100 - left out"
    assert console.file.getvalue() == "warning: lgbm is left out: no trial ended in time\n"


def test_the_score_of_a_kept_model_is_not_taken_for_that_of_its_best_trial() -> None:
    display = LiveDisplay(Console(file=io.StringIO(), width=80))
    for event in (STARTED, _trial(3, 0.7858), replace(KEPT, score=0.7769)):
        display.show(event)

    _, row, legend = _shown(display)

    assert row == "lgbm 4/100 0.7858 kept: 0.7769"
    assert legend == "kept: scored on rows that the model was not picked on; a best trial flatters"


def test_a_search_that_was_stopped_does_not_end_as_searching() -> None:
    stream = io.StringIO()

    with LiveDisplay(Console(file=stream, width=80)) as display:
        display.show(STARTED)

    assert stream.getvalue().split()[-1] == "stopped"


def test_what_is_printed_is_never_drawn_over() -> None:
    screen = io.StringIO()
    display = LiveDisplay(Console(file=screen, width=80, force_terminal=True))
    told = f"{'one run compared, three left out; ' * 2}best " + "ensemble-20261128T114744-{}"
    threads = [threading.Thread(target=_redraw_often, args=(display,)) for _ in range(3)]

    with display:
        display.show(STARTED)
        for thread in threads:
            thread.start()
        for number in range(200):
            display.show(events.StageStarted(stage="rank", detail="asking " * 15))
            display.show(events.StageFinished(stage="rank", seconds=0.1, detail=told.format(number)))
        display._ended.set()
        for thread in threads:
            thread.join()

    lines = _screen(screen.getvalue())
    assert [n for n in range(200) if not any(f"-{n} (0.1 s)" in line for line in lines)] == []
    assert sum(line.startswith("model ") for line in lines) == 1


def _redraw_often(display: LiveDisplay) -> None:
    while not display._ended.wait(0.0001):
        with display._lock:
            display._live.refresh()


def _screen(written: str) -> list[str]:
    """Return the lines that a terminal shows: it knows a new line, the cursor up, and the erasure of a line."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+", written):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part[0] not in "\x1b\r":
            lines[row] += part
    return lines


def test_our_log_stands_above_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    # A command that another test ran may have left one whose stream is closed by now.
    monkeypatch.setattr(logging.getLogger("mltrain"), "handlers", [logging.StreamHandler(io.StringIO())])

    with LiveDisplay(Console(file=screen, width=80, force_terminal=True)) as display, logs.shown_by(display.say):
        display.show(STARTED)
        display._live.refresh()
        logging.getLogger("mltrain.search").warning("the journal is old")

    assert [line.split()[0] for line in _screen(screen.getvalue()) if line.strip()] == ["the", "model", "lgbm"]


def test_a_search_whose_clock_ended_is_finishing() -> None:
    display = LiveDisplay(Console(file=io.StringIO(), width=80))
    display.show(replace(STARTED, timeout_s=0.0))

    assert _shown(display)[1] == "lgbm 3/100 0.9000 0.0 s finishing"


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
