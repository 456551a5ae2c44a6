"""Compare linear models by landmarks with straight and bent ones, and the family's first settings with the best.

    python -m benchmarks.landmarks ../shared/data > benchmarks/results/landmarks-$(date +%F).md

Each setting is fitted on three folds of up to 4,000 rows of each table of the benchmark of peers that has several
thousand rows or fewer. What is compared is log loss out of fold: of the best straight or bent setting of a few, of the
settings by landmarks that are among the family's first trials, and of the best by landmarks.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from benchmarks.peers.datasets import TARGET, load_table
from benchmarks.portfolio_sets import Draw, make_draw
from mltrain.models import Limits, Objective
from mltrain.models.logistic_regression import FAMILY
from mltrain.space import Params

TABLES = (
    "german",
    "breast_cancer",
    "digits",
    "wide",
    "credit",
    "telco",
    "lending",
    "imbalanced",
    "banana",
    "phoneme",
    "spambase",
    "texture",
    "satimage",
    "optdigits",
    "ring",
    "penbased",
)
MOST_ROWS = 4_000
LANDMARKS = 400
NUMBERS: tuple[Params, ...] = (
    {"C": 0.1, "penalty": "l2", "n_knots": 0},
    {"C": 0.3, "penalty": "l2", "n_knots": 8},
    {"C": 1.0, "penalty": "l2", "n_knots": 4},
    {"C": 3.0, "penalty": "elasticnet", "n_knots": 12},
)
REACHES = (0.7, 1.0, 1.4)
STRENGTHS = (0.03, 0.3, 3.0, 30.0)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=TABLES)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    packages = ", ".join(f"{name} {version(name)}" for name in ("mltrain", "numpy", "scipy"))
    print("# Linear models by landmarks\n")
    print(f"{platform.machine()}, {packages}; one thread; three folds, rows drawn by seed 11.\n")
    print("| table | rows | classes | by numbers | s | first trials by landmarks | s | best by landmarks | setting |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    with threadpool_limits(1):
        for name in arguments.sets:
            print(row(name, draw_of(name, arguments.data)), flush=True)


def draw_of(name: str, data: Path) -> Draw:
    """Return some rows of a table, with folds."""
    frame = load_table(name, data)
    if len(frame) > MOST_ROWS:
        frame, _ = train_test_split(frame, train_size=MOST_ROWS, stratify=frame[TARGET], random_state=11)
    rows = pa.Table.from_pandas(frame.rename(columns={TARGET: "target"}), preserve_index=False)
    return make_draw(name, rows, judged=rows.slice(0, 1), seed=0)


def row(name: str, draw: Draw) -> str:
    """Return the row of a table."""
    view, _ = draw.views(FAMILY.view)
    first = [params for params in FAMILY.first_trials(draw.shape(view)) if params.get("n_landmarks")]
    numbers = list(losses(draw, NUMBERS))
    early = list(losses(draw, first))
    everywhere = {text(params): result for params, result in zip(near(), losses(draw, near()), strict=True)}
    everywhere |= {text(params): result for params, result in zip(first, early, strict=True)}
    best = min(everywhere, key=lambda setting: everywhere[setting][0])
    best_numbers = min(numbers)
    tried = ", ".join(f"{loss:.4f}" for loss, _ in early)
    seconds = " + ".join(f"{s:.1f}" for _, s in early)
    return (
        f"| {name} | {draw.y.size:,} | {draw.schema.target.n_classes} | {best_numbers[0]:.4f} | {best_numbers[1]:.1f} "
        f"| {tried} | {seconds} | {everywhere[best][0]:.4f} | {best} |"
    )


def near() -> Sequence[Params]:
    """Return the settings by landmarks."""
    return [
        {"C": strength, "penalty": "l2", "n_landmarks": LANDMARKS, "reach": reach}
        for reach, strength in product(REACHES, STRENGTHS)
    ]


def losses(draw: Draw, settings: Sequence[Mapping[str, object]]) -> Iterator[tuple[float, float]]:
    """Yield log loss out of fold and seconds of processor time of each setting."""
    view, _ = draw.views(FAMILY.view)
    n_classes = draw.schema.target.n_classes
    objective = Objective(n_classes=n_classes)
    prepared = FAMILY.prepare(view, draw.y, weights=None, folds=draw.folds, objective=objective)
    for params in settings:
        started = time.process_time()
        proba = np.zeros((draw.y.size, n_classes))
        for number, fold in enumerate(draw.folds):
            fitted = FAMILY.fit(prepared, number, params=params, limits=Limits(seed=1 + number))
            proba[fold.valid] = fitted.valid_proba
        yield float(log_loss(draw.y, proba, labels=range(n_classes))), time.process_time() - started


def text(params: Params) -> str:
    """Return a setting in few letters."""
    return f"C {params['C']:g}, reach {params['reach']:g}"


if __name__ == "__main__":
    main()
