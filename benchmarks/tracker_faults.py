"""What a tracker in trouble costs: every trouble in every command, beside the same command with the local tracker.

``python benchmarks/tracker_faults.py [words]`` prints the table, of all cells or of those whose name holds a word.
The service is the tests' stand-in on loopback; the client is the real one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests" / "tracking"))

from comet_server.cells import COMMANDS, Stage, play, program, settings_of
from comet_server.server import CometServer
from comet_server.trouble import TROUBLES


def main(words: list[str]) -> None:
    """Print one line for each cell."""
    server = CometServer()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in [n for n in os.environ if n.startswith("COMET_")]:
            del os.environ[name]
        os.environ |= settings_of(server, root)
        stage = Stage(server, root / "stage")
        head = ("command", "trouble", "exit", "took", "added", "after its work", "after the signal", "said")
        print(f"| {' | '.join(head)} |\n|---|---|--:|--:|--:|--:|--:|---|")
        for command in COMMANDS:
            chosen = [t for t in TROUBLES if not words or any(w in f"{t} in {command}" for w in words)]
            plain = _plain_seconds(stage, command, root) if chosen else 0.0
            for number, trouble in enumerate(chosen):
                cell = play(
                    server, stage.before(command), root / f"{command}{number}", trouble=trouble, command=command
                )
                said = " / ".join(cell.warnings) or cell.tracker or cell.errors.strip().replace("\n", " ")
                added = f"{cell.seconds - plain:+.1f} s"
                line = (
                    *(command, trouble, str(cell.exit_code), f"{cell.seconds:.1f} s", added),
                    *(_seconds(cell.after_s), _seconds(cell.since_signal_s), said),
                )
                print(f"| {' | '.join(line)} |", flush=True)
    server.stop()


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _plain_seconds(stage: Stage, command: str, root: Path) -> float:
    """Return what the command takes with the local tracker alone."""
    folder = root / f"{command}-plain"
    subprocess.run(["cp", "-r", str(stage.before(command).root), str(folder)], check=True)
    started = time.monotonic()
    words = program(command, "--set", "train.experiment_tracker=local")
    subprocess.run(words, cwd=folder, capture_output=True, check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main(sys.argv[1:])
