"""Seconds and peak memory at 1,000 to 2,000,000 rows of 30 columns: each stage, and the whole training.

    python benchmarks/scaling.py                      # everything; half an hour
    python benchmarks/scaling.py --rows 20000 --budgets 20

The table is made: 20 float32 columns (a quarter with 5 % missing), 10 of text with 5 to 1,000 levels (a third with 3 %
missing), two classes. Each row of the first table is a process of its own: read both splits, conform, encode, prepare,
fit the family's first trial for at most ``--rounds`` rounds on the holdout, predict the validation rows. Memory is
what is above the interpreter with all libraries loaded, beside the size of the Arrow table. The second table is
`mltrain split` and `mltrain train --budget` of each length, as a user runs them, with each process's largest size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FAMILIES = ("lgbm", "xgboost", "catboost", "random_forest", "logistic_regression")
LEVELS = (5, 8, 12, 20, 40, 80, 150, 300, 600, 1000)
# Where the promise to end in time is hardest to keep, shorter and longer ones are tried too.
BUDGETS_S = {1_000: (10.0, 60.0, 600.0), 2_000_000: (60.0, 600.0)}
STAGES = ("read", "encode", "prepare", "fit", "predict")
MEGABYTE = 2**20


@dataclass
class Staged:
    """One family on one table."""

    family: str
    rows: int
    arrow_mb: float
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    rounds: int = 0
    notes: str = ""


@dataclass
class Whole:
    """One command on one table."""

    command: str
    rows: int
    seconds: float
    peak_mb: float
    exit_code: int
    found: str = ""


def main() -> None:
    """Measure, print and write the tables; or one stage run, for the parent process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[1_000, 20_000, 200_000, 2_000_000])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument(
        "--budgets", nargs="*", type=float, help="seconds of mltrain train, instead of 60 and some more"
    )
    parser.add_argument("--stages-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stages_of:
        staged = measure_stages(arguments.families[0], Path(arguments.stages_of), rounds=arguments.rounds)
        print(json.dumps(asdict(staged)))
        return
    staged_rows, whole_rows = [], []
    for n_rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            write_table(place, n_rows)
            staged_rows += [run_stages(family, place, rounds=arguments.rounds) for family in arguments.families]
            budgets_s = BUDGETS_S.get(n_rows, (60.0,)) if arguments.budgets is None else arguments.budgets
            if budgets_s:
                whole_rows += run_commands(place, n_rows, budgets_s=budgets_s)
    text = report(staged_rows, whole_rows, arguments)
    path = Path(__file__).with_name("results") / f"scaling-{datetime.now(UTC):%Y-%m-%d}.md"
    path.write_text(text)
    print(text)


def write_table(place: Path, n_rows: int) -> None:
    """Write ``all.parquet``, and its first three quarters and the rest as ``train`` and ``validation``."""
    rng = np.random.default_rng(0)
    signal = np.zeros(n_rows, dtype=np.float32)
    columns: dict[str, Any] = {}
    for i in range(20):
        x = rng.normal(size=n_rows).astype(np.float32)
        if i < 8:
            signal += 0.5 * x + (np.sin(2 * x) if i < 3 else 0)
        columns[f"x{i}"] = pa.array(x, mask=rng.random(n_rows) < (0.05 if i % 4 == 0 else 0))
    for i, n_levels in enumerate(LEVELS):
        codes = rng.choice(n_levels, size=n_rows, p=rng.dirichlet(np.ones(n_levels))).astype(np.int32)
        signal += rng.normal(scale=0.4, size=n_levels).astype(np.float32)[codes]
        mask = rng.random(n_rows) < (0.03 if i % 3 == 0 else 0)
        levels = pa.array([f"level_{i}_{code}" for code in range(n_levels)])
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(pa.array(codes, mask=mask), levels)
    columns["target"] = pa.array((signal + rng.normal(scale=1.5, size=n_rows) > 0).astype(np.int64))
    table = pa.table(columns)
    n_train = n_rows * 3 // 4
    for name, part in (("all", table), ("train", table.slice(0, n_train)), ("validation", table.slice(n_train))):
        pq.write_table(part, place / f"{name}.parquet")


def run_stages(family: str, place: Path, *, rounds: int) -> Staged:
    """Measure one family in a process of its own."""
    command = [sys.executable, __file__, "--stages-of", str(place), "--families", family, "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"{family} on {place}: exit {done.returncode}")
    sys.stderr.write(done.stdout)
    return Staged(**json.loads(done.stdout))


def measure_stages(name: str, place: Path, *, rounds: int) -> Staged:
    """Run the stages of one family in this process."""
    from mltrain import files, plugins
    from mltrain.config import PreprocessingSection, SplitSection, TrainSection
    from mltrain.data import Schema
    from mltrain.data.columns import infer_columns
    from mltrain.data.splits import read_rows
    from mltrain.data.target import make_target
    from mltrain.development import develop, encoded_view
    from mltrain.memory import give_back
    from mltrain.models import Limits, Objective

    family = plugins.load("models", name)
    watch = Watch(Staged(family=name, rows=0, arrow_mb=0))
    paths = [place / f"{part}.parquet" for part in ("train", "validation")]
    hashes = [files.sha256(path) for path in paths]
    head = next(pq.ParquetFile(paths[0]).iter_batches(1000))
    target = make_target(pa.table(head)["target"], "target", positive=None, origin="made")
    columns = infer_columns(pa.table(head), target="target", overrides={})
    schema = Schema(columns=columns, target=target)
    threads = os.cpu_count() or 1

    def read() -> Any:
        splits = [read_rows(path, expected_sha256=known) for path, known in zip(paths, hashes, strict=True)]
        watch.result.arrow_mb = sum(split.nbytes for split in splits) / MEGABYTE
        settings = TrainSection(validation="holdout")
        return develop(*splits, schema=schema, settings=settings, split=SplitSection(), seed=1)

    def read_and_encode() -> Any:
        rows = watch.stage("read", read)
        encoded = watch.stage("encode", lambda: encoded_view(rows, family.view, PreprocessingSection()))
        return encoded.view, rows.y, rows.folds

    view, y, folds = read_and_encode()
    # The engine lets go of a large table as soon as a view of it is made, and reads it again for the next one.
    give_back()
    objective = Objective(n_classes=2)
    prepared = watch.stage(
        "prepare",
        lambda: family.prepare(view, y, weights=None, folds=folds, objective=objective, threads=threads),
    )
    params = family.first_trials(view.describe(n_classes=2))[0]
    limits = Limits(seed=1, threads=threads, max_rounds=rounds)
    fitted = watch.stage("fit", lambda: family.fit(prepared, 0, params=params, limits=limits))
    X = view.X[len(folds[0].train) :]
    watch.stage("predict", lambda: family.predict_proba(fitted.model, X, threads=threads))
    watch.result.rows, watch.result.rounds = len(y), fitted.n_rounds
    watch.result.notes = "; ".join(fitted.notes)
    return watch.result


class Watch:
    """Notes the seconds of each stage and the largest private memory during it, every 10 ms."""

    def __init__(self, result: Staged) -> None:
        self.result = result
        self._own_mb = private_mb()
        self._peak_mb = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def stage(self, name: str, run: Callable[[], Any]) -> Any:
        """Run one stage."""
        self._peak_mb = 0.0
        started = time.monotonic()
        found = run()
        self.result.seconds[name] = time.monotonic() - started
        self.result.peak_mb[name] = max(self._peak_mb, private_mb()) - self._own_mb
        return found

    def _look(self) -> None:
        while True:
            self._peak_mb = max(self._peak_mb, private_mb())
            time.sleep(0.01)


def private_mb() -> float:
    """Return the private resident memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def run_commands(place: Path, n_rows: int, *, budgets_s: Sequence[float]) -> list[Whole]:
    """Run `mltrain split` and then `mltrain train` for each budget on the whole table."""
    source = place / "all.parquet"
    (place / "mltrain.yaml").write_text(
        f"data:\n  source: {source}\n  target: target\ntrain:\n  experiment_tracker: local\n"
    )
    trains = [("train", "--budget", f"{budget_s:g}s") for budget_s in budgets_s]
    return [run_command(place, n_rows, *words) for words in [("split",), *trains]]


def run_command(place: Path, n_rows: int, *words: str) -> Whole:
    """Run one command and note its seconds and its largest resident size."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")} | {"HOME": str(place)}
    command = [str(Path(sys.executable).with_name("mltrain")), *words, "--json"]
    started = time.monotonic()
    with (place / "out.json").open("w") as out, (place / "err.txt").open("w") as err:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    found = ""
    if process.returncode in (0, 4):
        candidates = json.loads((place / "out.json").read_text())["data"].get("candidates", [])
        found = ", ".join(f"{c['model']} {c['n_trials']} trials {c['validation_score']:.4f}" for c in candidates)
    else:
        sys.stderr.write((place / "out.json").read_text() + (place / "err.txt").read_text())
    run = Whole(
        command=" ".join(words),
        rows=n_rows,
        seconds=seconds,
        peak_mb=usage.ru_maxrss / 1024,
        exit_code=process.returncode,
        found=found,
    )
    sys.stderr.write(f"{json.dumps(asdict(run))}\n")
    return run


def report(staged: list[Staged], whole: list[Whole], arguments: argparse.Namespace) -> str:
    """Return both tables as Markdown."""
    from where_time_goes import cpu_name

    lines = [
        "# Seconds and memory by rows",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores of {cpu_name()}, {platform.machine()}, "
        f"Python {platform.python_version()}, {versions()}. `python {' '.join(sys.argv)}`",
        "",
        f"Seconds of each stage; the fit is the family's first trial with at most {arguments.rounds} rounds on three "
        "quarters of the rows, on all cores where the family uses them (CatBoost and the linear model fit on one). "
        "Peak: the most above the interpreter with its libraries, and as a multiple of the Arrow table.",
        "",
        "| rows x 30 | family | Arrow MB | read s | encode s | prepare s | fit s (rounds) | predict s | peak MB | x |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in staged:
        seconds = [f"{row.seconds[stage]:.2f}" for stage in STAGES]
        seconds[3] += f" ({row.rounds})"
        peak = max(row.peak_mb.values())
        lines.append(
            f"| {row.rows:,} | {row.family} | {row.arrow_mb:.1f} | {' | '.join(seconds)} | {peak:.0f} "
            f"| {peak / row.arrow_mb:.1f} |"
        )
    notes = sorted({f"{row.rows:,} rows, {row.family}: {row.notes}" for row in staged if row.notes})
    lines += ["", *(f"- {note}" for note in notes)]
    if whole:
        lines += [
            "",
            "| rows x 30 | command | exit | seconds | peak resident MB | found |",
            "|---|---|---|---|---|---|",
        ]
    for run in whole:
        lines.append(
            f"| {run.rows:,} | {run.command} | {run.exit_code} | {run.seconds:.1f} | {run.peak_mb:.0f} | {run.found} |"
        )
    return "\n".join([*lines, ""])


def versions() -> str:
    """Return the versions that matter for the figures."""
    import catboost
    import lightgbm
    import sklearn
    import xgboost

    return ", ".join(f"{m.__name__} {m.__version__}" for m in (lightgbm, xgboost, catboost, sklearn, pa))


if __name__ == "__main__":
    main()
