"""Choose the first trials of the families: evaluate candidates, choose without each data set in turn, print the table.

    python benchmarks/portfolio.py ../shared/data --journal /tmp/portfolio --evaluate --choose

``--evaluate`` fits every candidate on three folds of every draw of every data set, one thread a fit, and keeps
predictions and seconds in the journal, which a second run resumes. ``--choose`` reads the journal alone.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from portfolio_candidates import FAMILIES, candidates
from portfolio_sets import SOURCES, Draw, draws
from threadpoolctl import threadpool_limits

from mltrain.calibration import sharpen
from mltrain.models import Limits, ModelFamily, Objective, View
from mltrain.search import fold_proba
from mltrain.space import Params

_MOST_SECONDS = 60.0
# Half of what a search grows: enough to tell forests apart.
_TREES = 100


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=[source.name for source in SOURCES])
    parser.add_argument("--families", nargs="+", default=[family.name for family in FAMILIES])
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--minutes", type=float, default=35.0, help="stop evaluating after so long")
    arguments = parser.parse_args()
    if arguments.evaluate:
        with threadpool_limits(1):
            evaluate(arguments)
    if arguments.choose:
        from portfolio_choice import report

        print(report(arguments.journal))


def evaluate(arguments: argparse.Namespace) -> None:
    """Fit what the journal does not hold, in the order of `SOURCES`, while there is time."""
    until = time.monotonic() + 60 * arguments.minutes
    for source in [source for source in SOURCES if source.name in arguments.sets]:
        for draw in draws(source, arguments.data):
            folder = arguments.journal / draw.name
            folder.mkdir(parents=True, exist_ok=True)
            keep_rows(folder, draw)
            started = time.monotonic()
            for family in [family for family in FAMILIES if family.name in arguments.families]:
                evaluate_family(family, draw, folder, until=until)
            if time.monotonic() > until:
                return
            print(f"{draw.name}: {time.monotonic() - started:.0f} s", flush=True)


def keep_rows(folder: Path, draw: Draw) -> None:
    """Keep the classes of the rows; refuse a journal of other rows."""
    file = folder / "rows.npz"
    if not file.exists():
        np.savez(file, y=draw.y[draw.valid_rows], y_judge=draw.y_judge)
    kept = np.load(file)
    if not (np.array_equal(kept["y"], draw.y[draw.valid_rows]) and np.array_equal(kept["y_judge"], draw.y_judge)):
        raise SystemExit(f"{folder} holds fits on other rows: delete it")


def evaluate_family(family: ModelFamily, draw: Draw, folder: Path, *, until: float) -> None:
    """Fit every candidate of one family on one draw."""
    view, judged = draw.views(family.view)
    wanted = {
        name: params
        for name, params in candidates(family, draw.shape(view)).items()
        if not (folder / f"{family.name}.{name}.npz").exists()
    }
    if not wanted:
        return
    objective = Objective(n_classes=draw.schema.target.n_classes)
    prepared = family.prepare(view, draw.y, weights=None, folds=draw.folds, objective=objective)
    for name, params in wanted.items():
        if time.monotonic() > until:
            return
        save(folder / f"{family.name}.{name}", family, prepared, params=params, draw=draw, judged=judged)


def save(where: Path, family: ModelFamily, prepared: object, *, params: Params, draw: Draw, judged: View) -> None:
    """Fit one candidate on each fold and keep what it predicted and took."""
    n_classes = draw.schema.target.n_classes
    out_of_fold = np.zeros((draw.y.size, n_classes), dtype=np.float32)
    judgement = np.zeros((draw.y_judge.size, n_classes))
    most = _TREES if family.name == "random_forest" else None
    seconds, rounds, cut = 0.0, [], 0
    for number, fold in enumerate(draw.folds):
        began = time.process_time()
        limits = Limits(seed=number + 1, max_rounds=most, deadline=time.monotonic() + _MOST_SECONDS)
        fitted = family.fit(prepared, number, params=params, limits=limits)
        seconds += time.process_time() - began
        out_of_fold[fold.valid] = fold_proba(fitted)
        said = sharpen(family.predict_proba(fitted.model, judged.X), fitted.sharpness)
        judgement += said / len(draw.folds)
        rounds.append(fitted.n_rounds)
        cut += fitted.stopped == "deadline"
    facts = json.dumps({"seconds": seconds, "rounds": rounds, "cut": cut, "params": dict(params)})
    proba, proba_judge = out_of_fold[draw.valid_rows], judgement.astype(np.float32)
    np.savez(where, proba=proba, proba_judge=proba_judge, facts=np.array(facts))


if __name__ == "__main__":
    main()
