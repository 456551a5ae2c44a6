"""The page that `benchmarks.trackers` writes of what it measured."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_HEAD = (
    "training s", "of it logging s", "until sent s", "in all s", "added s", "training CPU s", "CPU beside local",
    "training MB", "sender MB", "sender CPU s", "requests", "points there", "late",
)  # fmt: skip
_PAGE = """# What a tracker costs a training, {date}

    python -m benchmarks.trackers

{packages}. {machine}

{trials} trials of fixed work (each core hashes {work} MB) with 10 metrics each, then 8 files of 60 kB and a model of
4 MB. Medians of {repeats} runs, taken in turns, seeds 0 to {last_seed}; in brackets the lowest and the highest. The
servers run on the same machine and take their share of it.

{head}
{rows}

Training: until the model and all records are on disk. Logging: what the calls that log took of it. Until sent: the
wait for the sender after that, at most {patience:g} s here, 10 s in a training. Late: runs of which something was left
then; `mltrain runs sync` sends it, and its requests are counted. MB: peak resident memory of each of the two processes.
Requests of MLflow in a file are calls of its database, not counted. Training CPU: processor seconds of the process that
trains, its waiting and the sender left out, which a busy machine lengthens little.

Requests of the first run, by what they ask for:

{breakdown}

{runs} runs of one project, listed with their parameters, metrics and tags, as `mltrain evaluate` does:

| tracker | requests | seconds | runs found |
|---|---|---|---|
{listed}
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of one contestant."""

    said: dict[str, Any]
    requests: list[str]
    points: int


def report(
    measured: Mapping[str, list[Measured]], listed: Mapping[str, Measured], arguments: Any, *, load: float
) -> str:
    """Return the page."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("mltrain", "comet_ml", "mlflow", "numpy"))
    return _PAGE.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        packages=f"{packages}, Python {platform.python_version()}",
        machine=f"{os.cpu_count()} cores ({_processor()}), load {load:.1f} before the start. {arguments.note}".strip(),
        trials=arguments.trials,
        work=arguments.work,
        patience=arguments.patience,
        repeats=arguments.repeats,
        last_seed=arguments.repeats - 1,
        head="\n".join([f"| tracker | {' | '.join(_HEAD)} |", "|---" * (len(_HEAD) + 1) + "|"]),
        rows=_rows(measured),
        breakdown=_breakdown(measured),
        runs=arguments.runs,
        listed=_listed_rows(listed),
    )


def _rows(measured: Mapping[str, list[Measured]]) -> str:
    alone = statistics.median(m.said["total_s"] for m in next(iter(measured.values())))
    alone_cpu = statistics.median(m.said["training_cpu_s"] for m in next(iter(measured.values())))
    lines = []
    for name, runs in measured.items():
        cells = [_spread([m.said[key] for m in runs]) for key in ("training_s", "logging_s", "finish_s", "total_s")]
        cells.append(f"{statistics.median(m.said['total_s'] for m in runs) - alone:+.1f}")
        cells.append(_spread([m.said["training_cpu_s"] for m in runs]))
        cells.append(f"{statistics.median(m.said['training_cpu_s'] for m in runs) / alone_cpu:.3f}")
        cells += [f"{statistics.median(m.said[key] for m in runs):.0f}" for key in ("own_mb", "sender_mb")]
        cells.append(f"{statistics.median(m.said['sender_cpu_s'] for m in runs):.1f}")
        cells.append(f"{statistics.median(len(m.requests) for m in runs):.0f}")
        cells.append(f"{min(m.points for m in runs)}")
        cells.append(f"{sum(m.said['late_s'] > 0 for m in runs)} of {len(runs)}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _breakdown(measured: Mapping[str, list[Measured]]) -> str:
    text = []
    for name, runs in measured.items():
        kinds = Tally(re.sub(r"[0-9a-f]{32}", "…", request) for request in runs[0].requests)
        if kinds:
            text.append(f"- {name}: " + ", ".join(f"{n} of `{kind}`" for kind, n in kinds.most_common(12)))
    return "\n".join(text)


def _listed_rows(listed: Mapping[str, Measured]) -> str:
    return "\n".join(
        f"| {name} | {len(m.requests)} | {m.said['seconds']:.2f} | {m.said['n_runs']} |" for name, m in listed.items()
    )


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()
