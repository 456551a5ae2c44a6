"""Run the main job on real tables as a user would, and print one table: wall clock, exit codes, test scores.

    python benchmarks/main_job.py ../shared/data --sets adult cdc german wine --budget 60

Each set is a folder with ``train.parquet`` and ``test.parquet`` (column ``target``), or ``wine``, which scikit-learn
ships. The test file is handed to mltrain as ``data.test_source``. Results go to ``benchmarks/results/`` with machine
and versions.
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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STEPS = ("split", "train", "evaluate", "register", "predict")


@dataclass
class Row:
    """What one data set showed."""

    name: str
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Run every set and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=["adult", "cdc", "german", "wine"])
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--seeds", nargs="+", type=int, default=[42])
    arguments = parser.parse_args()
    rows = [
        run_set(arguments.data / name, seed=seed, budget_s=arguments.budget)
        for name in arguments.sets
        for seed in arguments.seeds
    ]
    text = table(rows, arguments.budget)
    stamp = datetime.now(UTC).strftime("%Y-%m-%d")
    Path(__file__).with_name("results").joinpath(f"main_job-{stamp}.md").write_text(text)
    print(text)


def run_set(source: Path, *, seed: int, budget_s: float) -> Row:
    """Run the five steps on one data set in an empty folder."""
    row = Row(name=source.name, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        train_file, test_file = (
            wine(place) if source.name == "wine" else (source / "train.parquet", source / "test.parquet")
        )
        call(row, place, "init", str(train_file), "--target", "target")
        overrides = ["--set", f"seed={seed}", "--set", f"data.test_source={test_file}"]
        call(row, place, "split", *overrides)
        row.train = call(row, place, "train", "--budget", f"{budget_s:g}s", *overrides)
        row.evaluation = call(row, place, "evaluate", *overrides)
        call(row, place, "register", *overrides)
        call(row, place, "predict", str(test_file), "scored.parquet", *overrides)
    return row


def call(row: Row, place: Path, step: str, *arguments: str) -> dict[str, Any]:
    """Run one command, note its time and exit code, and return its data."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")} | {"HOME": str(place)}
    started = time.monotonic()
    command = [str(Path(sys.executable).with_name("mltrain")), step, *arguments, "--json"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    row.seconds[step] = time.monotonic() - started
    row.exit_codes[step] = done.returncode
    if done.returncode not in (0, 4):
        sys.stderr.write(f"{row.name} {step}: exit {done.returncode}\n{done.stdout}\n{done.stderr}\n")
        return {}
    return json.loads(done.stdout)["data"]


def wine(place: Path) -> tuple[Path, Path]:
    """Write scikit-learn's wine as Parquet, a stratified 80 / 20."""
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split

    frame = load_wine(as_frame=True).frame
    parts = train_test_split(frame, test_size=0.2, stratify=frame["target"], random_state=0)
    paths = place / "train-source.parquet", place / "test-source.parquet"
    for part, path in zip(parts, paths, strict=True):
        part.to_parquet(path, index=False)
    return paths


def table(rows: list[Row], budget_s: float) -> str:
    """Return the results as Markdown."""
    lines = [
        f"# The main job, budget {budget_s:g} s",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}. "
        f"{versions()}. `python {' '.join(sys.argv)}`",
        "",
        "| data | seed | exits | train s | evaluate s | champion | validation | test AUC | test log loss | trials |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        scores = row.evaluation.get("metrics", {})
        champion = row.evaluation.get("champion", {})
        candidates = row.train.get("candidates", [])
        exits = " ".join(str(row.exit_codes.get(step, "-")) for step in STEPS)
        trials = " ".join(f"{c['model']} {c['n_trials']}" for c in candidates if c["n_trials"])
        lines.append(
            f"| {row.name} | {row.seed} | {exits} | {row.seconds.get('train', 0):.1f} | "
            f"{row.seconds.get('evaluate', 0):.1f} | {champion.get('model')} | "
            f"{champion.get('validation_score', 0):.4f} | "
            f"{interval(scores.get('roc_auc'))} | {interval(scores.get('log_loss'))} | {trials} |"
        )
    return "\n".join([*lines, "", f"Exits: {', '.join(STEPS)}.", ""])


def interval(score: dict[str, float] | None) -> str:
    """Return a score with its interval."""
    return "-" if score is None else f"{score['value']:.4f} [{score['low']:.4f}, {score['high']:.4f}]"


def versions() -> str:
    """Return the versions that matter for the figures."""
    import lightgbm
    import optuna
    import sklearn
    import xgboost

    return ", ".join(f"{m.__name__} {m.__version__}" for m in (lightgbm, xgboost, sklearn, optuna))


if __name__ == "__main__":
    main()
