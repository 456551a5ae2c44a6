"""Split one table by time and at random, and score both champions on months that neither has seen.

    python benchmarks/future.py ../shared/data/flights --max-trials 6

The folder holds ``train.parquet`` and ``test.parquet`` with a column ``target`` and a time column; the rows of
both, up to the cut-off, are the past that is split, trained on and evaluated, with two values of ``split.kind`` and
nothing else changed: the same families try the same number of trials, without a clock. The rows after it are scored
with `mltrain predict` at the end. Results go to ``benchmarks/results/``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.metrics import log_loss, roc_auc_score

KINDS = ("stratified", "time")


@dataclass(frozen=True)
class Row:
    """What one kind of split promised, and what came of it; scores are (ROC AUC, log loss)."""

    kind: str
    champion: str
    n_train: int
    validation: float
    promised: tuple[float, float]
    future: tuple[float, float]
    by_month: dict[str, float]


def main() -> None:
    """Train on the past with both kinds of split and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train.parquet and test.parquet")
    parser.add_argument("--time-column", default="time_hour")
    parser.add_argument("--cut-off", default="2013-11-01", help="first day of the future")
    parser.add_argument("--max-trials", type=int, default=6, help="of each family")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        past, future = cut(arguments.data, arguments.time_column, arguments.cut_off, into=Path(folder))
        rows = [run(kind, past, future, Path(folder), arguments=arguments) for kind in KINDS]
    text = table(rows, arguments)
    stamp = datetime.now(UTC).strftime("%Y-%m-%d")
    Path(__file__).with_name("results").joinpath(f"future-{stamp}.md").write_text(text, encoding="utf-8")
    print(text)


def cut(data: Path, time_column: str, cut_off: str, *, into: Path) -> tuple[Path, Path]:
    """Write the rows before and after the cut-off to two files."""
    rows = pa.concat_tables(pq.read_table(data / f"{name}.parquet") for name in ("train", "test"))
    kind = rows.schema.field(time_column).type
    later = pc.greater_equal(
        rows[time_column], pa.scalar(datetime.fromisoformat(cut_off), pa.timestamp("us", "UTC")).cast(kind)
    )
    past, future = into / "past.parquet", into / "future.parquet"
    pq.write_table(rows.filter(pc.invert(later)), past)
    pq.write_table(rows.filter(later), future)
    return past, future


def run(kind: str, past: Path, future: Path, folder: Path, *, arguments: argparse.Namespace) -> Row:
    """Run the main job on the past and score the future with its champion."""
    here = folder / kind
    here.mkdir()
    config = {
        "seed": arguments.seed,
        "data": {"source": str(past), "target": "target"},
        "split": {"kind": kind, "time_column": arguments.time_column},
        "train": {"experiment_tracker": "local", "project_name": "future"},
    }
    (here / "mltrain.yaml").write_text(json.dumps(config), encoding="utf-8")
    split = call(here, "split")
    trained = call(here, "train", "--max-trials", str(arguments.max_trials))
    evaluated = call(here, "evaluate")
    call(here, "register")
    call(here, "predict", str(future), "scores.parquet")
    champion = evaluated["champion"]["model"]
    metrics = evaluated["metrics"]
    y = pq.read_table(future, columns=["target", arguments.time_column])
    proba = pq.read_table(here / "scores.parquet")["proba_1"].to_numpy()
    truth, months = y["target"].to_numpy(), pc.strftime(y[arguments.time_column], "%Y-%m").to_numpy()
    return Row(
        kind=kind,
        champion=champion,
        n_train=next(part["rows"] for part in split["splits"] if part["name"] == "train"),
        validation=next(c["validation_score"] for c in trained["candidates"] if c["model"] == champion),
        promised=(metrics["roc_auc"]["value"], metrics["log_loss"]["value"]),
        future=(float(roc_auc_score(truth, proba)), float(log_loss(truth, proba))),
        by_month={
            month: float(roc_auc_score(truth[months == month], proba[months == month]))
            for month in sorted(set(months.tolist()))
            if len(set(truth[months == month])) == 2 and (months == month).sum() > 1000
        },
    )


def call(folder: Path, *words: str) -> dict[str, Any]:
    """Run one command of mltrain and return its data."""
    done = subprocess.run(
        [sys.executable, "-m", "mltrain", *words, "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 4):
        raise SystemExit(f"mltrain {' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


def table(rows: list[Row], arguments: argparse.Namespace) -> str:
    """Return the results as Markdown."""
    months = list(rows[0].by_month)
    title = f"# {arguments.data.name}, split at random and by time, and the months after {arguments.cut_off}"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        title,
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {arguments.max_trials} trials of each family, "
        f"seed {arguments.seed}. "
        f"`python benchmarks/future.py DATA/{arguments.data.name} --max-trials {arguments.max_trials}`",
        "",
        "| split.kind | champion | train rows | validation | its test split: AUC, log loss | future: AUC, log loss "
        "| promised - kept (AUC) | " + " | ".join(f"AUC {month}" for month in months) + " |",
        "|---" * (7 + len(months)) + "|",
    ]
    for row in rows:
        cells = [
            row.kind,
            row.champion,
            f"{row.n_train:,}",
            f"{row.validation:.4f}",
            f"{row.promised[0]:.4f}, {row.promised[1]:.4f}",
            f"{row.future[0]:.4f}, {row.future[1]:.4f}",
            f"{row.promised[0] - row.future[0]:+.4f}",
            *(f"{row.by_month[month]:.4f}" for month in months),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
