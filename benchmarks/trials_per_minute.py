"""LightGBM trials a minute: mltrain against the replaced project's method, same search space, side by side in one run.

    python -m benchmarks.trials_per_minute --data ../shared/data --sets german credit lending cdc --budget 60

For each set the replaced method has the budget, and then mltrain as many trials as that made, with a holdout of the
same size: without a clock it does not stop because more of them no longer help. Both weigh classes equally. Trials that
ended or were pruned count; the minutes are the whole process's, from its start until its model can predict.

The last column says what there is to win: the same trials as mltrain's, with the rounds that each of them kept, fitted
by LightGBM alone on all cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd

from benchmarks.peers.contest import ROOT, Contest, compete
from benchmarks.peers.contestants.mltrain import sealed_rows
from benchmarks.peers.datasets import TARGET
from benchmarks.peers.environments import DEFAULT_FOLDER, make_environments, warm_up
from benchmarks.peers.place import commit, machine
from benchmarks.peers.reporting.markdown import number, table
from benchmarks.peers.roster import BY_NAME
from benchmarks.peers.splits import Split, write_split
from benchmarks.trials_alone import Tried, seconds_alone

# What one_hot_tpe.narrow searches, under the library's own names.
SPACE = {
    "num_iterations": {"int": [50, 300]},
    "learning_rate": {"float": [0.01, 0.2], "log": True},
    "num_leaves": {"int": [15, 63]},
    "max_depth": {"int": [3, 10]},
    "min_data_in_leaf": {"int": [10, 60]},
    "bagging_fraction": {"float": [0.6, 1.0]},
    "feature_fraction": {"float": [0.6, 1.0]},
}
# What mltrain would search beside it, at the library's defaults.
FIXED = {"extra_trees": False, "lambda_l1": 0.0, "lambda_l2": 0.0}
FIXED_CATEGORIES = {"min_data_per_group": 100, "cat_l2": 10.0, "cat_smooth": 10.0, "max_cat_to_onehot": 4}
COUNTED = ("complete", "pruned")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How many trials a contestant finished in how many seconds."""

    n_trials: int
    seconds: float

    @property
    def per_minute(self) -> float:
        """Return trials a minute."""
        return 60 * self.n_trials / self.seconds


def main() -> None:
    """Run every set and print the table."""
    arguments = _parser().parse_args()
    old = BY_NAME["one_hot_tpe"]
    interpreter = make_environments([old.environment], arguments.environments)[old.environment.name]
    warm_up(interpreter, old.modules)
    warm_up(Path(sys.executable), BY_NAME["mltrain"].modules)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(folder=Path(folder) / "runs", cores=arguments.cores, machine=machine(), commit=commit(ROOT))
        for name in arguments.sets:
            split = write_split(name, 0, data=arguments.data, folder=Path(folder) / "splits")
            paces = [_paces(split, interpreter, arguments.budget, contest=contest) for _ in range(arguments.repeats)]
            rows.append(_row(split, paces))
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(_report(rows, arguments, contest))


def replaced_method(split: Split, interpreter: Path, budget_s: float, *, contest: Contest) -> Pace:
    """Return the pace of the replaced method.

    Raises
    ------
    RuntimeError
        It gave no model.
    """
    line = compete(BY_NAME["one_hot_tpe"], split, interpreter=interpreter, budget_s=budget_s, contest=contest)
    if line["status"] != "ok":
        raise RuntimeError(line["reason"])
    return Pace(n_trials=line["details"]["trials"], seconds=line["wall_s"])


def mltrain(split: Split, n_trials: int, *, contest: Contest) -> tuple[Pace, list[Tried]]:
    """Return mltrain's pace with LightGBM as its only family, and what it tried."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_config(split, place, cores=contest.cores)
        call(place, "split")
        started = time.monotonic()
        call(place, "train", "--model", "lgbm", "--max-trials", f"{n_trials}")
        seconds = time.monotonic() - started
        (path,) = place.glob("runs/*/trials.parquet")
        trials = pd.read_parquet(path)
    trials = trials[trials["state"].isin(COUNTED)]
    tried = [
        Tried(params=json.loads(params), n_rounds=int(n_rounds[0]))
        for params, n_rounds in zip(trials["params"], trials["n_rounds"], strict=True)
    ]
    return Pace(n_trials=len(tried), seconds=seconds), tried


def _paces(split: Split, interpreter: Path, budget_s: float, *, contest: Contest) -> dict[str, Pace]:
    replaced = replaced_method(split, interpreter, budget_s, contest=contest)
    own, tried = mltrain(split, replaced.n_trials, contest=contest)
    alone_s = seconds_alone(pd.read_parquet(split.train), tried, cores=contest.cores, seed=split.seed)
    return {"replaced": replaced, "mltrain": own, "alone": Pace(n_trials=len(tried), seconds=alone_s)}


def write_config(split: Split, place: Path, *, cores: int) -> None:
    """Write mltrain.yaml for LightGBM as the replaced method searches it, and the file of the sealed split."""
    rows = pd.read_parquet(split.train)
    sealed_rows(rows, TARGET).to_parquet(place / "sealed.parquet", index=False)
    has_categories = rows.drop(columns=TARGET).select_dtypes(exclude=["number", "datetime", "datetimetz"]).shape[1] > 0
    config: dict[str, Any] = {
        "seed": split.seed,
        "data": {"source": str(split.train.absolute()), "target": TARGET, "test_source": "sealed.parquet"},
        "split": {"validation_size": 0.2},
        "train": {
            "experiment_tracker": "local",
            "n_jobs": cores,
            "max_search_iters": 1_000_000,
            "validation": "holdout",
            "class_weight": "balanced",
        },
        "models": {"lgbm": {"params": FIXED | (FIXED_CATEGORIES if has_categories else {}), "search_space": SPACE}},
    }
    (place / "mltrain.yaml").write_text(json.dumps(config))


def call(place: Path, *arguments: str) -> None:
    """Run one command of mltrain in a folder.

    Raises
    ------
    RuntimeError
        It failed; the message has what it said.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")} | {"HOME": str(place)}
    environment |= {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mltrain", *arguments, "--json"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")


def _row(split: Split, paces: Sequence[dict[str, Pace]]) -> list[str]:
    means = {who: mean(pace[who].per_minute for pace in paces) for who in ("replaced", "mltrain", "alone")}
    trials = mean(pace["mltrain"].n_trials for pace in paces)
    paced = [number(value) for value in means.values()]
    ratios = [number(means[who] / means["replaced"], 2) for who in ("mltrain", "alone")]
    return [split.name, str(split.n_train), number(trials), *paced, *ratios]


def _report(rows: Sequence[Sequence[str]], arguments: argparse.Namespace, contest: Contest) -> str:
    head = ["data", "rows", "trials", "replaced method", "mltrain", "LightGBM alone", "ratio", "ratio alone"]
    return "\n\n".join(
        [
            "# LightGBM trials a minute",
            f"{datetime.now(UTC):%Y-%m-%d}, {contest.machine}, {contest.cores} cores given, commit {contest.commit}, "
            f"mean of {arguments.repeats}, load {os.getloadavg()[0]:.1f} at the end. As many trials as the replaced "
            f"method makes in {arguments.budget:g} s; the same search space of seven parameters, class weights and a "
            "holdout of a fifth on both sides; whole processes. LightGBM alone: mltrain's trials with the rounds that "
            "each kept, nothing but trees.",
            table(head, rows),
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trials_per_minute",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=["german", "credit", "lending", "cdc"], metavar="NAME")
    parser.add_argument("--budget", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--repeats", type=int, default=1, metavar="N")
    parser.add_argument("--cores", type=int, default=2, metavar="N")
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER")
    return parser


if __name__ == "__main__":
    main()
