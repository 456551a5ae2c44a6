"""Judge, on test rows of kept runs, how near votes should stay to what families are known to know.

    python -m benchmarks.peers run --data ../shared/data --only mltrain --keep
    python -m benchmarks.peers.near_prior > benchmarks/results/near_prior-$(date +%F).md

Every family votes with the trial and the models that it kept. Weights are chosen on the out-of-fold predictions of the
run, each time nearer to the prior of `mltrain.voting.choose_weights`, and judged on the test rows of the split. On this
rests up to how many rows they stay near it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks.peers.contestants.mltrain import MODELS
from benchmarks.peers.place import machine
from mltrain.calibration import fit_sharpness, sharpen
from mltrain.config.loading import load
from mltrain.data.splits import current_split_record
from mltrain.events import ignore
from mltrain.jobs import read_material
from mltrain.metrics import Metric
from mltrain.voting import Selection, choose_weights
from mltrain.workspace import Workspace

ODDS = (0.0, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a run left: of each family the best trial's out-of-fold predictions, and its model's for the test rows.

    Attributes
    ----------
    held_out, judged : ndarray of shape (n_families, n_rows, n_classes)
        Best family first, sharpened.
    y, y_judged : ndarray of shape (n_rows,), class codes
    """

    name: str
    n_rows: int
    metric: Metric
    held_out: NDArray[np.float64]
    judged: NDArray[np.float64]
    y: NDArray[np.int64]
    y_judged: NDArray[np.int64]


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("~/.cache/mltrain-bench"), metavar="FOLDER")
    parser.add_argument("--budget", type=float, default=60.0, metavar="SECONDS")
    arguments = parser.parse_args()
    work = arguments.work.expanduser()
    folders = sorted((work / "runs").glob(f"*-mltrain-{arguments.budget:g}"))
    runs = [run for run in (read_kept(folder, work / "splits") for folder in folders) if run is not None]
    print(table(runs))


def read_kept(folder: Path, splits: Path) -> Kept | None:
    """Return what a run left; None where fewer than two families did, or the rows were held out once."""
    result = folder / "result.json"
    if not result.exists():
        return None
    workspace, config = Workspace(root=folder), load(folder / "mltrain.yaml")
    split = current_split_record(workspace.split_record, config)
    material = read_material(config, workspace, split, listener=ignore)
    rows = np.concatenate([fold.valid for fold in material.rows.folds])
    name, seed, *_ = folder.name.split("-")
    families = [one for one in json.loads(result.read_text())["details"]["candidates"] if one["model"] in MODELS]
    if len(families) < 2 or material.rows.validation == "holdout":
        return None
    y = material.rows.y[rows]
    held_out, judged = [], []
    for family in families:
        proba = out_of_fold(workspace, family)
        sharpness = fit_sharpness(proba, y)
        held_out.append(sharpen(proba, sharpness))
        judged.append(sharpen(np.load(folder / f"proba_{family['model']}.npy"), sharpness))
    return Kept(
        name=name,
        n_rows=len(material.rows.y),
        metric=material.recipe.metric,
        held_out=np.stack(held_out),
        judged=np.stack(judged),
        y=y,
        y_judged=np.load(splits / name / seed / "judge" / "codes.npy"),
    )


def out_of_fold(workspace: Workspace, family: dict[str, Any]) -> NDArray[np.float64]:
    """Return the predictions of the trial that a family kept."""
    (study,) = workspace.studies.glob(f"{family['model']}-*")
    lines = [json.loads(line) for line in (study / "journal.jsonl").read_text().splitlines()[1:]]
    trial = min(lines, key=lambda line: abs((line["score"] or np.inf) - family["validation_score"]))
    proba: NDArray[np.float64] = np.load(study / "predictions" / f"{trial['number']}.npy").astype(np.float64)
    return proba


def table(runs: Sequence[Kept]) -> str:
    """Return by how much each share of the prior gains over none."""
    heads = [f"{odds / (1 + odds):.0%}" for odds in ODDS[1:]]
    text = [
        "# How near to their prior votes should stay",
        "",
        f"{machine()}. Gain on test rows over weights without a prior, mean and standard error over splits:",
        "ROC AUC for two classes, log loss for more; positive is better. By the share of the prior in the weights.",
        "",
        f"| data | rows | runs | {' | '.join(heads)} | equal votes |",
        f"| --- | ---: | ---: |{' ---: |' * len(ODDS)}",
    ]
    for name in sorted({run.name for run in runs}, key=lambda name: next(r.n_rows for r in runs if r.name == name)):
        ours = [run for run in runs if run.name == name]
        found = np.array([judge(run) for run in ours])
        gains = found[:, 1:] - found[:, :1]
        cells = [spread(column) for column in gains.T]
        text.append(f"| {name} | {ours[0].n_rows:,} | {len(ours)} | {' | '.join(cells)} |")
    return "\n".join(text)


def judge(run: Kept) -> list[float]:
    """Return the test score of weights at all odds, and of equal votes; greater is better."""
    kinds = tuple(range(len(run.held_out)))
    weights = [
        choose_weights(
            run.held_out,
            run.y,
            metric=run.metric,
            seed=0,
            selection=Selection(kinds=kinds, prior_rows=len(run.y) * odds**0.25),
        )
        for odds in ODDS
    ]
    weights.append(np.full(len(run.held_out), 1 / len(run.held_out)))
    return [score(run, np.tensordot(weight, run.judged, axes=1)) for weight in weights]


def score(run: Kept, proba: NDArray[np.float64]) -> float:
    """Return ROC AUC of two classes, minus the log loss of more."""
    if proba.shape[1] == 2:
        return float(roc_auc_score(run.y_judged, proba[:, 1]))
    return -float(log_loss(run.y_judged, proba))


def spread(values: NDArray[np.float64]) -> str:
    """Return mean and standard error."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{values.mean():+.4f} ± {error:.4f}"


if __name__ == "__main__":
    main()
