"""What a tracker in trouble costs: every trouble in every command, beside the same command with the local tracker.

``python benchmarks/tracker_faults.py [words]`` plays all cells, or those whose name holds a word, and writes the table
to benchmarks/results/tracker_faults-<date>.md. The service is the tests' stand-in on loopback; the client is the real
one. After each cell the trouble is over, the command that was stopped runs again, and ``mltrain runs sync`` sends.
Last, each command is told to terminate at six moments, while the server answers and while it hangs ("terminate").
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests" / "tracking"))

from comet_server.arrived import assert_everything_arrived_once
from comet_server.cells import COMMANDS, PROMISED_S, Cell, Stage, play, program, settings_of
from comet_server.server import CometServer
from comet_server.trouble import TROUBLES, both, hang, request, seconds_into_the_hang, signalled

from mltrain.commands.runs import sync
from mltrain.config import loading
from mltrain.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
_LOCAL = "--set train.experiment_tracker=local"
_HEAD = ("command", "trouble", "exit", "took s", "queued s", "added s", "after its work s", "after the signal s")
_PAGE = """# What a tracker in trouble costs, {date}

    python benchmarks/tracker_faults.py

{machine}

Each row is one command in one trouble: the real client in a real process, against the tests' stand-in on loopback.
Signals, and the fall of the server, come with the first request that starts a run (`register`: the first to the
registry); a row whose command did not come into its trouble says "not met" instead of its exit code.
Took: from start to end. Queued: how much of that the command's main thread could run and other programs had the cores.
Added: took without queued, less the same of the same command with the local tracker alone ({plain}). After its work:
from the command's own files being on disk to its end, queue included; promised are {promised}, and
what the command itself does then. After the signal: from the signal to the end. Then the trouble is over, a command
that was stopped runs again, and `mltrain runs sync` sends: "once" says that all local records are at the server then,
each once, and that a second sync sends nothing.

{rows}

## A request to terminate

SIGTERM at six moments of each command: at the server's {numbers} request while it answers, and
{seconds} s after its first request without an answer while it hangs; seconds from the signal to the end.

{signals}
"""
_REQUESTS = (1, 2, 4, 6, 9, 12)
_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 7.0)


def main(words: list[str]) -> None:
    """Play the cells and write the page."""
    server = CometServer()
    rows = [f"| {' | '.join((*_HEAD, 'then sync', 'said'))} |", "|---|---|" + "--:|" * 6 + "---|---|"]
    plain: dict[str, Cell] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in [n for n in os.environ if n.startswith("COMET_")]:
            del os.environ[name]
        os.environ |= settings_of(server, root)
        stage = Stage(server, root / "stage")
        for command in COMMANDS:
            chosen = [t for t in TROUBLES if not words or any(w in f"{t} in {command}" for w in words)]
            if chosen:
                local = root / f"{command}-local"
                plain[command] = play(
                    server, stage.before(command), local, trouble="none", command=command, more=_LOCAL
                )
            for number, trouble in enumerate(chosen):
                workspace = root / f"{command}{number}"
                cell = play(server, stage.before(command, trouble), workspace, trouble=trouble, command=command)
                end = _sync(server, command, workspace, again=bool(cell.exit_code))
                said = " / ".join(cell.warnings) or cell.tracker or cell.errors.strip().replace("\n", " ")
                cells = (command, trouble, *_figures(cell, plain[command]), end, said.replace(folder, "…"))
                rows.append(f"| {' | '.join(cells)} |")
                print(rows[-1], flush=True)
        signals = list(_terminated(server, stage, root)) if not words or "terminate" in words else []
    server.stop()
    told = ", ".join(f"{name} {cell.seconds - cell.starved_s:.1f} s" for name, cell in plain.items())
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end."
    page = _PAGE.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine,
        plain=told,
        promised=", ".join(f"{seconds:g} s for {name}" for name, seconds in PROMISED_S.items()),
        rows="\n".join(rows),
        numbers=", ".join(f"{number}." for number in _REQUESTS),
        seconds=", ".join(f"{moment:g}" for moment in _SECONDS),
        signals="\n".join(signals),
    )
    (RESULTS / f"tracker_faults-{datetime.now(UTC):%Y-%m-%d}.md").write_text(page, encoding="utf-8")


def _terminated(server: CometServer, stage: Stage, root: Path) -> Iterator[str]:
    """Tell each command to terminate at six moments, while the server answers and while it hangs; yield table rows."""
    yield "| command | the server | met | exit codes | fastest s | slowest s |"
    yield "|---|---|--:|---|--:|--:|"
    for command in COMMANDS:
        answering = [signalled(signal.SIGTERM, request(number)) for number in _REQUESTS]
        hanging = [both(hang, signalled(signal.SIGTERM, seconds_into_the_hang(moment))) for moment in _SECONDS]
        for name, troubles in (("answers", answering), ("hangs", hanging)):
            cells = [
                play(server, stage.before(command), root / f"{command}-{name}{n}", trouble=trouble, command=command)
                for n, trouble in enumerate(troubles)
            ]
            met = [cell for cell in cells if cell.was_met]
            codes = ", ".join(sorted({str(cell.exit_code) for cell in met}))
            ends = sorted(cell.since_signal_s or 0.0 for cell in met) or [float("nan")]
            row = (command, name, f"{len(met)} of {len(cells)}", codes, f"{ends[0]:.2f}", f"{ends[-1]:.2f}")
            print(f"| {' | '.join(row)} |", flush=True)
            yield f"| {' | '.join(row)} |"


def _figures(cell: Cell, plain: Cell) -> Iterator[str]:
    """Yield what a cell measured."""
    added = (cell.seconds - cell.starved_s) - (plain.seconds - plain.starved_s)
    yield str(cell.exit_code) if cell.was_met else "not met"
    yield f"{cell.seconds:.1f}"
    yield f"{cell.starved_s:.1f}"
    yield f"{added:+.1f}" if cell.exit_code == 0 else ""
    yield "" if cell.after_s is None else f"{cell.after_s:.1f}"
    yield "" if cell.since_signal_s is None else f"{cell.since_signal_s:.1f}"


def _sync(server: CometServer, command: str, folder: Path, *, again: bool) -> str:
    """Run a command that was stopped again, sync twice, and say whether all is there once."""
    if again:
        subprocess.run(program(command), cwd=folder, capture_output=True, check=True)
    config, workspace = loading.load(folder / "mltrain.yaml"), Workspace(root=folder)
    report = sync(config, workspace)
    if report.pending or report.warnings:
        return f"pending: {report.pending} {report.warnings}"
    try:
        assert_everything_arrived_once(server, folder, registers=command == "register")
    except AssertionError as error:
        return f"not so: {str(error).splitlines()[0] if str(error) else 'see the test'}"
    server.heard.clear()
    sync(config, workspace)
    return "once" if {h.method for h in server.heard} <= {"GET"} else "once, but a second sync sends"


if __name__ == "__main__":
    main(sys.argv[1:])
