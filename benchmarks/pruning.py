"""What is saved by giving up trials whose curve or first fold promises too little, and what is lost by it.

    python -m benchmarks.pruning --data ../shared/data --sets german credit lending telco --trials 80

Each set is searched once without pruning, in a process of its own. Its trials are then replayed in their order: the bar
is set by those that the engine would have known, and a trial below it costs only what it had run until then. The trials
themselves stay those that were searched, so that the sampler's part in it is left out. Work is trees grown, those that
early stopping waited for included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.peers.contest import ROOT
from benchmarks.peers.place import machine
from benchmarks.peers.reporting.markdown import number, table
from benchmarks.peers.splits import Split, write_split
from benchmarks.trials_per_minute import call, write_config
from mltrain import plugins
from mltrain.metrics import Metric, resolve
from mltrain.models.traits import traits_of
from mltrain.search.journal import read_trials
from mltrain.search.pruning import Bar, CurveWatch, is_hopeless, set_bar
from mltrain.search.trial import Trial

LIBRARIES = {
    "lgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "random_forest": "scikit-learn",
    "logistic_regression": "scikit-learn",
}
LAG = 8
TOP, VOTERS = 10, 3
SHARES = (0.3, 0.5)
HEAD = [
    "data", "validation", "trials", "given up", "work", "best lost", f"of the best {TOP} lost",
    *(f"{what} after {share:.0%}" for share in SHARES for what in ("best", f"best {VOTERS}")),
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Where a search stands after a trial: trees grown, and the scores of those kept, best first, greater is better."""

    work: float
    n_kept: int
    best: tuple[float, ...]


def main() -> None:
    """Search, replay and print the table; or, in a process of its own, search without pruning."""
    if sys.argv[1:2] == ["--search"]:
        search_without_pruning(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pruning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=["german", "credit", "lending", "telco"], metavar="NAME")
    parser.add_argument("--model", default="lgbm", choices=sorted(LIBRARIES))
    parser.add_argument("--validation", nargs="+", default=["holdout", "kfold"], choices=["holdout", "kfold"])
    parser.add_argument("--trials", type=int, default=80, metavar="N")
    arguments = parser.parse_args()
    family = traits_of(plugins.load("models", arguments.model))
    rows = []
    for name in arguments.sets:
        for validation in arguments.validation:
            with tempfile.TemporaryDirectory() as folder:
                split = write_split(name, 0, data=arguments.data, folder=Path(folder) / "splits")
                trials = searched(split, Path(folder), arguments.model, validation, n_trials=arguments.trials)
            metric = resolve(split.metric, n_classes=len(split.classes))
            rows.append([name, validation, *cells(trials, metric, follows_curves=family.is_additive)])
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    library = LIBRARIES[arguments.model]
    print(f"# What pruning saves and loses: {arguments.model}\n")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, {library} {version(library)}, {arguments.trials} trials, seed 0, "
        f"load {os.getloadavg()[0]:.1f} at the end. Work: trees grown, as a share of those without pruning. Best lost: "
        "what the best score is worse by at the end. After: what the best score, and the mean of the best "
        f"{VOTERS}, are better by than without pruning after a share of its work. In 1/10000 of the metric.\n"
    )
    print(table(HEAD, rows))


def searched(split: Split, place: Path, model: str, validation: str, *, n_trials: int) -> list[Trial]:
    """Return the trials of one search that pruned nothing, in number order."""
    write_config(split, place, cores=os.cpu_count() or 1)
    config: dict[str, Any] = json.loads((place / "mltrain.yaml").read_text())
    config["train"] |= {"validation": validation, "class_weight": "none"}
    config["models"] = {}
    (place / "mltrain.yaml").write_text(json.dumps(config))
    call(place, "split")
    words = ["train", "--model", model, "--max-trials", f"{n_trials}", "--json"]
    command = [sys.executable, "-m", "benchmarks.pruning", "--search", *words]
    environment = os.environ | {"HOME": str(place), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=place, env=environment, capture_output=True, check=True)
    (journal,) = place.rglob("journal.jsonl")
    return [trial for trial in read_trials(journal).values() if trial.state == "complete"]


def search_without_pruning(words: Sequence[str]) -> None:
    """Run the command line ``words`` with no bar for any trial."""
    from mltrain.cli import main as mltrain
    from mltrain.search import sequence

    sequence.set_bar = lambda *_: None
    with suppress(SystemExit):
        mltrain(list(words))


def replay(trials: Sequence[Trial], metric: Metric, *, prunes: bool, follows_curves: bool) -> list[Step]:
    """Return what each trial leads to by the engine's rules, or without them."""
    sign = 1.0 if metric.greater_is_better else -1.0
    kept: list[Trial] = []
    steps, work = [], 0.0
    for trial in trials:
        bar = set_bar([known for known in kept if known.number <= trial.number - LAG], metric) if prunes else None
        run, is_given_up = _run(trial, bar, follows_curves=follows_curves)
        work += run
        if not is_given_up:
            kept.append(trial)
        best = sorted((sign * known.score for known in kept if known.score is not None), reverse=True)
        steps.append(Step(work=work, n_kept=len(kept), best=tuple(best)))
    return steps


def cells(trials: Sequence[Trial], metric: Metric, *, follows_curves: bool) -> list[str]:
    """Return one row of the table, without its first two cells."""
    whole = replay(trials, metric, prunes=False, follows_curves=False)
    pruned = replay(trials, metric, prunes=True, follows_curves=follows_curves)
    n_lost = sum(score not in pruned[-1].best for score in whole[-1].best[:TOP])
    won = []
    for share in SHARES:
        before, now = (_after(steps, share * whole[-1].work) for steps in (whole, pruned))
        won += [now.best[0] - before.best[0], mean(now.best[:VOTERS]) - mean(before.best[:VOTERS])]
    lost = whole[-1].best[0] - pruned[-1].best[0]
    return [
        str(len(trials)),
        str(len(trials) - pruned[-1].n_kept),
        number(pruned[-1].work / whole[-1].work, 2),
        number(1e4 * lost, 1),
        str(n_lost),
        *(number(1e4 * value, 1) for value in won),
    ]


def _run(trial: Trial, bar: Bar | None, *, follows_curves: bool) -> tuple[float, bool]:
    """Return the trees that a trial grows, and whether it is given up."""
    rounds = trial.curve.loss_rounds
    whole = rounds[-1] * sum(trial.n_rounds) / trial.n_rounds[0]
    if bar is None:
        return whole, False
    watch = CurveWatch(bar=bar)
    looks = zip(rounds, trial.curve.valid_losses, strict=True) if follows_curves else ()
    given_up = next((round_ for round_, loss in looks if watch.is_hopeless(round_, loss)), None)
    if given_up is not None:
        return given_up, True
    is_beaten = len(trial.n_rounds) > 1 and is_hopeless(bar, trial.fold_scores[0])
    return (rounds[-1], True) if is_beaten else (whole, False)


def _after(steps: Sequence[Step], work: float) -> Step:
    """Return where a search stands after so much work."""
    return [step for step in steps if step.work <= work][-1]


if __name__ == "__main__":
    main()
