"""What a tracker costs a training: seconds, memory and requests, beside a run with the local records alone.

    python -m benchmarks.trackers

300 trials with 10 metrics each, then files and a model, with each tracker: Comet's real client against the stand-in of
the tests, and offline; MLflow against a real server, and in a file. All of it on this machine, servers included. Then
50 runs in one project are listed, as `evaluate` does. Writes benchmarks/results/trackers-<date>.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import trackers_servers as servers
from benchmarks.trackers_job import Job, as_line
from benchmarks.trackers_report import Measured, report

RESULTS = Path(__file__).parent / "results"
_ROOT = Path(__file__).parent.parent
_NAMES = ("local records alone", "Comet online", "Comet offline", "MLflow server", "MLflow file")


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One tracker and how to look at what reaches it.

    Attributes
    ----------
    requests : callable
        All requests so far, as "METHOD /path".
    points : callable
        ``points(root)``: how many metric points it holds of the run of a workspace.
    """

    name: str
    tracker: str
    points: Callable[[Path], int]
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    requests: Callable[[], list[str]] = list


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--work", type=int, default=25, help="megabytes that each core hashes in a trial")
    parser.add_argument("--patience", type=float, default=10.0, help="the sender's last seconds; a training gives 10")
    parser.add_argument("--runs", type=int, default=50, help="runs that are listed")
    parser.add_argument(
        "--only", nargs="*", default=(), help="words of the names of trackers, beside the local records"
    )
    parser.add_argument("--note", default="", help="a sentence about the machine, for the report")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    measured: dict[str, list[Measured]] = {}
    listed: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        contestants = _contestants(Path(scratch), stack, words=arguments.only)
        for repeat in range(arguments.repeats):
            for one in contestants:
                root = Path(scratch) / f"{repeat}-{one.name.replace(' ', '-')}"
                job = Job(
                    kind="train",
                    tracker=one.tracker,
                    root=str(root),
                    trials=arguments.trials,
                    work=arguments.work,
                    patience=arguments.patience,
                    seed=repeat,
                )
                measured.setdefault(one.name, []).append(_measure(one, job))
                print(one.name, measured[one.name][-1].said, flush=True)
                shutil.rmtree(root)
        for one in contestants:
            root = Path(scratch) / f"list-{one.name.replace(' ', '-')}"
            job = Job(kind="list", tracker=one.tracker, root=str(root), runs=arguments.runs)
            listed[one.name] = _measure(one, job)
            print(one.name, listed[one.name].said, len(listed[one.name].requests), flush=True)
    path = RESULTS / f"trackers-{datetime.now(UTC):%Y-%m-%d}.md"
    path.write_text(report(measured, listed, arguments, load=load), encoding="utf-8")
    print(path)


def _contestants(scratch: Path, stack: ExitStack, *, words: Sequence[str]) -> list[Contestant]:
    """Start the services that are needed and return who takes part, the local records first."""
    wanted = [name for name in _NAMES if name == _NAMES[0] or not words or any(word in name for word in words)]
    stand_in = stack.enter_context(servers.comet())
    server = stack.enter_context(servers.mlflow(scratch / "server")) if "MLflow server" in wanted else None
    address, heard = (server.root, server.requests) if server else ("", [])
    online = {"COMET_URL_OVERRIDE": f"{stand_in.root}/clientlib/", "COMET_API_KEY": servers.COMET_KEY}

    def at_comet(root: Path) -> int:
        project = f"bench-{root.name}"
        runs = [e for e in stand_in.state.experiments.values() if e.project == project]
        return sum(p["metricName"].startswith("metric_") for run in runs for p in run.points)

    def at_mlflow(database: Path, root: Path) -> int:
        sql = "SELECT count(*) FROM metrics JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)"
        with closing(sqlite3.connect(database)) as connection:
            sql += " WHERE experiments.name = ? AND metrics.key LIKE 'metric@_%' ESCAPE '@'"
            return int(connection.execute(sql, [f"bench-{root.name}"]).fetchone()[0])

    everybody = [
        Contestant(name=_NAMES[0], tracker="local", points=_in_records),
        Contestant(
            name="Comet online",
            tracker="comet_ml",
            environment=online,
            requests=lambda: list(stand_in.requests),
            points=at_comet,
        ),
        Contestant(name="Comet offline", tracker="comet_ml", environment={"COMET_API_KEY": ""}, points=_in_archives),
        Contestant(
            name="MLflow server",
            tracker="mlflow",
            options={"tracking_uri": address},
            requests=lambda: list(heard),
            points=lambda root: at_mlflow(scratch / "server" / "mlflow.db", root),
        ),
        Contestant(
            name="MLflow file",
            tracker="mlflow",
            points=lambda root: at_mlflow(root / "runs" / ".trackers" / "mlflow" / "mlflow.db", root),
        ),
    ]
    return [one for one in everybody if one.name in wanted]


def _in_records(root: Path) -> int:
    lines = "".join(path.read_text() for path in root.glob("runs/*/tracking.jsonl"))
    return len(re.findall(r'"metric_\d+"', lines))


def _in_archives(root: Path) -> int:
    count = 0
    for path in (root / "runs" / ".trackers" / "comet_ml").glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            count += len(re.findall(rb'"metricName": ?"metric_\d+"', archive.read("messages.json")))
    return count


def _measure(one: Contestant, job: Job) -> Measured:
    """Run one job in a fresh process with a home of its own."""
    root = Path(job.root)
    root.mkdir()
    (root / "home").mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COMET_", "MLFLOW_")) and "proxy" not in k.lower()}
    environment = {**kept, "HOME": str(root / "home"), "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(_ROOT)}
    job = Job(**{**vars(job), "options": dict(one.options)})
    before = len(one.requests())
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.trackers_job"],
        cwd=root,
        env={**environment, **one.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(as_line(job))
    process.stdin.flush()
    said: dict[str, Any] = {}
    for line in process.stdout:
        if not line.startswith("{"):
            continue
        said = json.loads(line)
        if "asks" in said:
            before = len(one.requests())
            process.stdin.write("\n")
            process.stdin.flush()
    process.stdin.close()
    if process.wait() != 0:
        raise RuntimeError(f"{one.name} failed")
    return Measured(said=said, requests=one.requests()[before:], points=one.points(root))


if __name__ == "__main__":
    main()
