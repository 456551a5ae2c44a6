"""What `benchmarks.trackers` measures, in a process of its own: a job on stdin, one JSON line on stdout.

``train`` is a training as trackers see it: trials of fixed work on all cores, each with its metrics, then files and a
model; records first, the sender beside it. ``list`` writes small runs with the tracker and asks for all of them once.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mltrain import plugins
from mltrain.config import TrainSection
from mltrain.tracking import Run, Tracker
from mltrain.tracking.sender import sync
from mltrain.tracking.session import open_session, tracker_settings
from mltrain.tracking.training import KIND, SESSION, TRAINING, VALIDATION_SCORE, log_candidate
from mltrain.workspace import Workspace

_BLOCK = bytes(1 << 20)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to do; ``work`` is megabytes that each core hashes in a trial, ``patience`` the sender's last seconds."""

    kind: Literal["train", "list"]
    tracker: str
    root: str
    options: dict[str, str] = field(default_factory=dict)
    trials: int = 300
    metrics: int = 10
    work: int = 25
    patience: float = 10.0
    runs: int = 50
    seed: int = 0

    def settings(self) -> TrainSection:
        """Return the train section of a config."""
        return TrainSection(
            experiment_tracker=self.tracker,
            tracker_options=dict(self.options),
            project_name=f"bench-{Path(self.root).name}",
            workspace_name="team",
        )


def train(job: Job) -> dict[str, Any]:
    """Train and say how long what took, what it weighed and where it went."""
    workspace, draw = Workspace(root=Path(job.root)), random.Random(job.seed)
    logging_s, cores = 0.0, len(os.sched_getaffinity(0))
    started = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool, open_session(job.settings(), workspace) as session:
        tags = {SESSION: session.id, KIND: TRAINING}
        with session.run("trials", tags) as run:
            for step in range(job.trials):
                list(pool.map(_hash, [job.work] * cores))
                before = time.perf_counter()
                run.log_metrics({f"metric_{number}": draw.random() for number in range(job.metrics)}, step=step)
                logging_s += time.perf_counter() - before
            _leave(workspace.run(run.id), run)
        trained, trained_cpu_s = time.perf_counter(), time.process_time()
        delivery = session.finish(timeout_s=job.patience)
    ended = time.perf_counter()
    is_late = bool(delivery.warnings)
    own, sender = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "where": delivery.where,
        "warnings": list(delivery.warnings),
        "late_s": _send_the_rest(job, workspace) if is_late else 0.0,
        "training_s": trained - started,
        "logging_s": logging_s,
        "finish_s": ended - trained,
        "total_s": ended - started,
        "own_cpu_s": time.process_time(),
        "training_cpu_s": trained_cpu_s,
        "own_mb": own.ru_maxrss / 1024,
        "sender_mb": sender.ru_maxrss / 1024,
        "sender_cpu_s": sender.ru_utime + sender.ru_stime,
    }


def listing(job: Job) -> dict[str, Any]:
    """Write runs, then list all of them; ``asks`` on stdout says that the listing begins."""
    settings = tracker_settings(job.settings(), Workspace(root=Path(job.root)))
    tracker: Tracker = plugins.load("trackers", job.tracker)(settings)
    for number in range(job.runs):
        run = tracker.start_run(f"run-{number}", {KIND: TRAINING, SESSION: "s"})
        run.log_params({"depth": number})
        run.log_metrics({VALIDATION_SCORE: number / 64})
        run.finish()
    print(json.dumps({"asks": True}), flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    found = tracker.list_runs({KIND: TRAINING}, limit=job.runs)
    return {"seconds": time.perf_counter() - started, "n_runs": len(found)}


def _send_the_rest(job: Job, workspace: Workspace) -> float:
    """Send what the sender had no time for, as ``mltrain runs sync`` does, and return the seconds."""
    started = time.perf_counter()
    report = sync(workspace.runs, job.tracker, tracker_settings(job.settings(), workspace))
    assert report.pending == (), report.warnings
    return time.perf_counter() - started


def _hash(megabytes: int) -> None:
    digest = hashlib.sha256()
    for _ in range(megabytes):
        digest.update(_BLOCK)


def _leave(directory: Path, run: Run) -> None:
    """Leave eight files and a model of 4 MB, as a training does."""
    for name in ("run.json", "trials.parquet", "confusion_matrix.json", *(f"figures/{n}.png" for n in range(5))):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(60_000))
    (directory / "model").mkdir()
    for number in range(4):
        (directory / "model" / f"{number}.bin").write_bytes(os.urandom(1 << 20))
    params = {f"param_{number}": number for number in range(12)}
    log_candidate(run, directory, params=params, metrics={VALIDATION_SCORE: 0.5}, tags={})


def as_line(job: Job) -> str:
    """Return a job as one line."""
    return json.dumps(asdict(job)) + "\n"


if __name__ == "__main__":
    asked = Job(**json.loads(sys.stdin.readline()))
    print(json.dumps(train(asked) if asked.kind == "train" else listing(asked)), flush=True)
