"""Which first trials help where a class is rare? Those for as many rows against those for as many labels that vary.

    python benchmarks/rare_class.py ../shared/data > benchmarks/results/rare_class-$(date +%F).md

LightGBM's first trials are chosen by `Shape.n_telling`. Here the first four for that number are held against the first
four for the number of rows, on draws of the portfolio's data sets. Each is grown on three folds and cut as the search
cuts it; what is judged is the mean of the folds' models.
"""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version

import numpy as np
from portfolio_sets import Draw, asked_for, draws, nearly_all
from stopping import cut_by_rule, judge, row

from mltrain.models import Shape
from mltrain.models.lightgbm import FAMILY
from mltrain.space import Params

N_TRIALS = 4
SETS = nearly_all(rare_1=2, rare_2=2, rare_3=2, lending=3, credit=2, telco=2)


def main() -> None:
    """Compare and print."""
    sources, data = asked_for(__doc__, SETS)
    warnings.simplefilter("ignore")
    print(heading())
    for source in sources:
        found = [pair for draw in draws(source, data) for pair in compared(draw)]
        print(row(source, np.array(found)), flush=True)


def compared(draw: Draw) -> Iterator[list[tuple[float, float, float]]]:
    """Yield what the trials of one place in the two orders come to: ROC AUC, log loss, rounds grown."""
    view, other = draw.views(FAMILY.view)
    by_labels = draw.shape(view)
    valid = np.concatenate([fold.valid for fold in draw.folds])
    for pair in zip(first(replace(by_labels, rarest=None)), first(by_labels), strict=True):
        cuts = [[cut_by_rule(draw, fold, p, view, other)["sharpened"] for fold in draw.folds] for p in pair]
        yield [judge(draw, folds, y_valid=draw.y[valid]) for folds in cuts]


def first(shape: Shape) -> list[Params]:
    """Return the first trials for a shape."""
    return list(FAMILY.first_trials(shape))[:N_TRIALS]


def heading() -> str:
    """Return where this was measured, and the head of the table."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "scikit-learn", "numpy"))
    return (
        "# First trials where one class is rare\n\n"
        f"{platform.machine()}, {os.cpu_count()} cores, {packages}; draws are numbered by their seeds. By rows:\n"
        "scores and rounds grown, mean over draws and trials. By labels: gains, mean and standard error over trials\n"
        "and draws (positive is better), and rounds grown.\n\n"
        "| data | rows | trials | by rows: ROC AUC | log loss | rounds | by labels: ROC AUC | log loss | rounds |\n"
        f"| --- |{' ---: |' * 8}"
    )


if __name__ == "__main__":
    main()
