"""What the processor time of a LightGBM trial on few rows goes to, searched as `trials_per_minute.py` searches.

    python -m benchmarks.trial_parts --data ../shared/data --sets german credit lending --trials 300

`mltrain train` runs in a process of its own as there (a holdout of a fifth, class weights, the replaced method's
space), with clocks around its functions. Milliseconds of processor time of all threads for each trial; trees are
divided by the rounds that trials kept and those that early stopping waited for a better one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from benchmarks.peers.contest import ROOT
from benchmarks.peers.place import machine
from benchmarks.peers.reporting.markdown import number, table
from benchmarks.peers.splits import Split, write_split
from benchmarks.stopwatch import Setting, Stopwatch
from benchmarks.trials_per_minute import call, write_config

PARTS = ("trees kept", "trees waited for", "losses", "model's text", "sampler", "rest")
CLOCKED = {
    "trees": ["lightgbm:Booster.update"],
    "losses": ["lightgbm:Booster.eval_valid", "lightgbm:Booster.eval_train"],
    "model's text": ["mltrain.models.lightgbm:LightGBM._finish"],
    "sampler": ["mltrain.search.sequence:Sequence._ask", "mltrain.search.sequence:Sequence._tell"],
}


def main() -> None:
    """Measure every set and print the table, or, in a process of its own, train under clocks."""
    if sys.argv[1:2] == ["--clocked"]:
        clocked(Path(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trial_parts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=["german", "credit", "lending"], metavar="NAME")
    parser.add_argument("--trials", type=int, default=300, metavar="N")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.sets:
        with tempfile.TemporaryDirectory() as folder:
            split = write_split(name, 0, data=arguments.data, folder=Path(folder) / "splits")
            rows.append([name, str(split.n_train), *measured(split, Path(folder), arguments.trials)])
    packages = ", ".join(f"{package} {version(package)}" for package in ("lightgbm", "optuna", "numpy"))
    print("# What a LightGBM trial on few rows takes\n")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, {packages}, {arguments.trials} trials, seed 0, load "
        f"{os.getloadavg()[0]:.1f} at the end. Milliseconds of processor time a trial; wall: of the whole process, by "
        "its trials.\n"
    )
    print(table(["data", "rows", "wall", *PARTS], rows))


def measured(split: Split, place: Path, n_trials: int) -> list[str]:
    """Return milliseconds a trial: of the wall clock, and of processor time by part."""
    write_config(split, place, cores=os.cpu_count() or 1)
    call(place, "split")
    words = ["train", "--model", "lgbm", "--max-trials", f"{n_trials}", "--json"]
    started = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.trial_parts", "--clocked", "clocks.json", *words]
    environment = os.environ | {"HOME": str(place), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=place, env=environment, capture_output=True, check=True)
    wall_s = time.monotonic() - started
    found = json.loads((place / "clocks.json").read_text())
    (path,) = place.glob("runs/*/trials.parquet")
    kept = sum(int(n_rounds[0]) for n_rounds in pd.read_parquet(path)["n_rounds"] if len(n_rounds))
    share = min(kept / found["n_rounds"], 1.0)
    spent = found["spent"]
    parts = {
        "trees kept": share * spent["trees"],
        "trees waited for": (1 - share) * spent["trees"],
        **{part: spent[part] for part in ("losses", "model's text", "sampler")},
    }
    parts["rest"] = found["process_s"] - sum(parts.values())
    return [number(1000 * seconds / n_trials, 1) for seconds in (wall_s, *(parts[part] for part in PARTS))]


def clocked(output: Path, words: list[str]) -> None:
    """Run the command line ``words`` and write what the clocks saw."""
    watch = Stopwatch()
    for part, places in CLOCKED.items():
        for place in places:
            module, _, path = place.partition(":")
            owner, _, name = path.partition(".")
            watch.wrap(getattr(importlib.import_module(module), owner), name, Setting(part=part))
    from mltrain.cli import main as mltrain

    with suppress(SystemExit):
        mltrain(words)
    spent = {key.part: own for key, own in watch.spent().items()}
    seconds = {part: own.cpu_s for part, own in spent.items()}
    found = {"process_s": time.process_time(), "n_rounds": spent["trees"].n_calls, "spent": seconds}
    output.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
