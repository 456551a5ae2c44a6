"""Where the time of `mltrain train` goes: by family the library's own fit and predict, and everything around them.

    python benchmarks/where_time_goes.py ../shared/data --sets german adult cdc --rows 2000000 --budget 60

Each set is a folder with ``train.parquet`` and ``test.parquet`` (column ``target``); ``--rows`` adds the made table of
`scaling.py`, 30 columns. `mltrain split` runs first, unclocked. `mltrain train` then runs in a process of its own as a
user starts it, with clocks around its functions. Seconds are processor time, of all threads, against the cores times
the wall clock from the start of the process to its end; what is left is idle, part of it because others held the core.
The tables go to ``benchmarks/results/`` with machine, versions, seed and load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from where_time_goes_report import LIBRARY, Profile, families_of, phase_table, profile_table, summary

VERSIONS = ("mltrain", "lightgbm", "xgboost", "scikit-learn", "optuna", "numpy", "pyarrow")


def main() -> None:
    """Measure every set, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"), help="one folder per data set")
    parser.add_argument("--sets", nargs="*", default=["german", "adult", "cdc"])
    parser.add_argument("--rows", nargs="*", type=int, default=[], help="also made tables of so many rows, 30 columns")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--tracker", default="local", help="experiment tracker; others add a sender process")
    parser.add_argument("--output", type=Path, help="instead of benchmarks/results/where_time_goes-<date>.md")
    arguments = parser.parse_args()
    profiles = [profile_set(arguments.data / name, name, arguments) for name in arguments.sets]
    profiles += [profile_made(n_rows, arguments) for n_rows in arguments.rows]
    text = report(profiles, arguments)
    name = f"where_time_goes-{datetime.now(UTC):%Y-%m-%d}.md"
    path = arguments.output or Path(__file__).with_name("results") / name
    path.write_text(text)
    print(text)


def profile_set(source: Path, name: str, arguments: argparse.Namespace) -> Profile:
    """Profile one data set."""
    with tempfile.TemporaryDirectory() as folder:
        data = {"source": str((source / "train.parquet").absolute()), "target": "target"}
        if (source / "test.parquet").exists():
            data["test_source"] = str((source / "test.parquet").absolute())
        return profile(Path(folder), name, data, arguments)


def profile_made(n_rows: int, arguments: argparse.Namespace) -> Profile:
    """Profile a made table."""
    from scaling import write_table

    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder), n_rows)
        data = {"source": str(Path(folder) / "all.parquet"), "target": "target"}
        return profile(Path(folder), f"{n_rows:,} x 30", data, arguments)


def profile(place: Path, name: str, data: dict[str, str], arguments: argparse.Namespace) -> Profile:
    """Split, then train under clocks in a process of its own."""
    config = {"seed": arguments.seed, "data": data, "train": {"experiment_tracker": arguments.tracker}}
    (place / "mltrain.yaml").write_text(json.dumps(config))
    command = [sys.executable, "-m", "mltrain", "split", "--json"]
    environment = environment_for(place)
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    load, started = os.getloadavg()[0], time.monotonic()
    program = Path(__file__).absolute().with_name("where_time_goes_clocks.py")
    command = [sys.executable, str(program), str(place / "clocks.json")]
    command += ["train", "--budget", f"{arguments.budget:g}s", "--json"]
    with (place / "err.txt").open("w") as err:
        clocked = environment | {"MLTRAIN_SPAWNED": repr(started)}
        process = subprocess.Popen(command, cwd=place, env=clocked, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"{name}: exit {process.returncode}\n{(place / 'err.txt').read_text()}")
    clocks: dict[str, Any] = json.loads((place / "clocks.json").read_text())
    return Profile.of(name, clocks, wall_s=wall_s, total_s=usage.ru_utime + usage.ru_stime, load=load)


def environment_for(place: Path) -> dict[str, str]:
    """Return the environment of a user without a key."""
    return {k: v for k, v in os.environ.items() if not k.startswith("COMET_")} | {"HOME": str(place)}


def report(profiles: list[Profile], arguments: argparse.Namespace) -> str:
    """Return everything as Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    cores = os.cpu_count()
    lines = [
        f"# Where the time of `mltrain train --budget {arguments.budget:g}s` goes",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores of {cpu_name()}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}. Seed {arguments.seed}, tracker {arguments.tracker}. "
        f"`python {' '.join(sys.argv)}`",
        "",
        f"Own: the library's own work, which is {', '.join(LIBRARY)} in search and refits. Other: everything else that "
        "kept a core busy. Idle: no thread of mltrain on a core; *held* is the part of it in which at least one was "
        "ready and other programs had the core. Shares are of cores x wall clock.",
        "",
        *summary(profiles),
    ]
    for one in profiles:
        lines += ["", f"## {one.name}", "", *profile_table(one, families_of(one)), "", *phase_table(one)]
    return "\n".join([*lines, ""])


def cpu_name() -> str:
    """Return the processor's own name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


if __name__ == "__main__":
    main()
