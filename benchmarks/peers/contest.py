"""One contestant on one split under one budget: start it, watch it, judge it, and return the journal's line."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.datasets import TARGET
from benchmarks.peers.journal import Line
from benchmarks.peers.judging import judge
from benchmarks.peers.roster import Contestant
from benchmarks.peers.splits import Split
from benchmarks.peers.watching import Watched, watch

ROOT = Path(__file__).absolute().parents[2]
PREDICTION_LIMIT_S = 600.0
# Data preparation that the clock of the budget does not count; only mltrain has any.
PREPARATION_LIMIT_S = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """What all runs share.

    Attributes
    ----------
    machine, commit : str
        Where, and of which state of mltrain; both go into every line.
    """

    folder: Path
    cores: int
    machine: str
    commit: str
    keeps_folders: bool = False


def compete(contestant: Contestant, split: Split, *, interpreter: Path, budget_s: float, contest: Contest) -> Line:
    """Return the journal's line of one run; a contestant that fails has a line too."""
    place = contest.folder / f"{split.name}-{split.seed}-{contestant.name}-{budget_s:g}"
    _write_task(contestant, split, budget_s=budget_s, cores=contest.cores, place=place)
    load = os.getloadavg()[0]
    watched = watch(
        [str(interpreter), "-m", f"benchmarks.peers.contestants.{contestant.name}", str(place)],
        folder=place,
        environment=_environment(place),
        limit_s=lambda: _limit_s(place, budget_s),
        is_training=lambda: _is_training(contestant, place),
        counts_root=not contestant.starts_program,
    )
    line = {
        "set": split.name,
        "split": split.seed,
        "contestant": contestant.name,
        "budget_s": budget_s,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": contest.commit,
        "machine": contest.machine,
        "load": round(load, 2),
        "cores": contest.cores,
        "n_train": split.n_train,
        "n_test": split.n_test,
        "n_features": split.n_features,
        "n_classes": len(split.classes),
        **_clock(contestant, place, watched),
        **_outcome(place, split, watched),
    }
    if not contest.keeps_folders and line["status"] == "ok":
        shutil.rmtree(place, ignore_errors=True)
    return line


def _write_task(contestant: Contestant, split: Split, *, budget_s: float, cores: int, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    (place / "home").mkdir(parents=True)
    task = {
        "train": str(split.train.absolute()),
        "test": str(split.test.absolute()),
        "target": TARGET,
        "classes": split.classes,
        "metric": split.metric,
        "budget_s": budget_s,
        "cores": cores,
        "seed": split.seed,
        "packages": contestant.packages,
    }
    (place / "task.json").write_text(json.dumps(task))


def _environment(place: Path) -> dict[str, str]:
    """Return the variables of a contestant: ours without trackers, an empty home, and the checkout to import from."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COMET_", "MLFLOW_", "PYTHON", "VIRTUAL_ENV"))}
    return kept | {"HOME": str(place / "home"), "PYTHONPATH": str(ROOT)}


def _limit_s(place: Path, budget_s: float) -> float:
    """Return how many seconds a contestant may live: three budgets and a minute to train, then it may predict."""
    limit = 3 * budget_s + 60
    if (place / "ready.mark").exists():
        return limit + PREPARATION_LIMIT_S + PREDICTION_LIMIT_S
    return limit + (0.0 if (place / "fit.mark").exists() else PREPARATION_LIMIT_S)


def _is_training(contestant: Contestant, place: Path) -> bool:
    has_begun = (place / "fit.mark").exists() or not contestant.starts_program
    return has_begun and not (place / "ready.mark").exists()


def _clock(contestant: Contestant, place: Path, watched: Watched) -> dict[str, float | None]:
    """Return the training's wall clock: from the start of the process that trains until the model is ready."""
    fit, ready = _mark(place, "fit"), _mark(place, "ready")
    start = fit if contestant.starts_program and fit is not None else watched.started
    return {
        "wall_s": None if ready is None else ready - start,
        "before_fit_s": None if fit is None else fit - watched.started,
        "total_s": watched.ended - watched.started,
        "peak_mb": watched.peak_mb,
        "peak_training_mb": watched.peak_training_mb,
    }


def _mark(place: Path, name: str) -> float | None:
    path = place / f"{name}.mark"
    return float(path.read_text()) if path.exists() else None


def _outcome(place: Path, split: Split, watched: Watched) -> dict[str, Any]:
    if watched.is_killed:
        return {"status": "killed", "reason": _last_words(place)}
    if watched.exit_code or not (place / "result.json").exists():
        return {"status": "failed", "reason": f"exit {watched.exit_code}: {_last_words(place)}"}
    facts = json.loads((place / "result.json").read_text())
    codes = split.codes()
    try:
        scores = judge(np.load(place / "proba.npy"), codes)
    except ValueError as error:
        return {"status": "failed", "reason": str(error), **facts}
    for candidate in facts["details"].get("candidates", ()):
        candidate["test"] = judge(np.load(place / f"proba_{candidate['model']}.npy"), codes)
    return {"status": "ok", "scores": scores, **facts}


def _last_words(place: Path) -> str:
    return (place / "output.txt").read_text(errors="replace")[-1500:].strip()
