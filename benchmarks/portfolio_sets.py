"""Data sets of the portfolio benchmark: rows to learn from with their folds, other rows to judge on, encoded views.

Only ``train.parquet`` of a folder is read: the published test rows stay unseen, so that other benchmarks may use them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, make_classification

from mltrain.data import Schema
from mltrain.data.columns import infer_columns
from mltrain.data.conforming import conform
from mltrain.data.target import encode_target, make_target
from mltrain.models import Fold, Shape, View, ViewKind
from mltrain.models.shape import rarest_share
from mltrain.preprocessing import encode, fit_encoder
from mltrain.splitting import make_folds

N_FOLDS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A data set and how many of its rows are learnt from and judged on; small ones are drawn several times.

    Attributes
    ----------
    is_large : bool
        Validated on a quarter of the rows, as `mltrain.development` does where rows are many, instead of three folds.
    """

    name: str
    n_learn: int
    n_judge: int
    n_draws: int = 1
    is_large: bool = False

    @property
    def folder(self) -> str:
        """Where the rows are."""
        return self.name.removesuffix("_large")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """One draw of rows from a data set.

    Attributes
    ----------
    y, y_judge : ndarray of shape (n_learn,) and (n_judge,), class codes
    folds : tuple of Fold
        Over the rows to learn from.
    """

    name: str
    schema: Schema
    table: pa.Table
    table_judge: pa.Table
    y: NDArray[np.int64]
    y_judge: NDArray[np.int64]
    folds: tuple[Fold, ...]

    @property
    def valid_rows(self) -> NDArray[np.intp]:
        """Positions of the rows that some fold validates, ascending."""
        return np.sort(np.concatenate([fold.valid for fold in self.folds]))

    def views(self, kind: ViewKind) -> tuple[View, View]:
        """Return the view of the rows to learn from and of those to judge on; the encoder sees the first alone."""
        encoder = fit_encoder(
            kind, self.table, schema=self.schema, min_variance=0.0, max_categories=1000, date_parts=True
        )
        return encode(encoder, self.table), encode(encoder, self.table_judge)

    def shape(self, view: View) -> Shape:
        """Return what a family may know of the data."""
        return view.describe(n_classes=self.schema.target.n_classes, rarest=rarest_share(self.y))


# Cheap ones first, so that an early stop leaves as many whole sets as possible.
SOURCES = (
    Source(name="german", n_learn=560, n_judge=240, n_draws=2),
    Source(name="breast_cancer", n_learn=380, n_judge=189, n_draws=2),
    Source(name="credit", n_learn=2000, n_judge=1563),
    Source(name="telco", n_learn=1500, n_judge=4134),
    Source(name="noisy", n_learn=1000, n_judge=4000),
    Source(name="adult", n_learn=2000, n_judge=5000),
    Source(name="flights", n_learn=1500, n_judge=5000),
    Source(name="lending", n_learn=1500, n_judge=6385),
    Source(name="diamonds", n_learn=600, n_judge=4000),
    Source(name="cdc", n_learn=1500, n_judge=6000),
    Source(name="imbalanced", n_learn=2000, n_judge=6000),
    Source(name="four", n_learn=500, n_judge=4000),
    Source(name="wide", n_learn=400, n_judge=4000),
    Source(name="digits", n_learn=300, n_judge=1497),
    Source(name="species", n_learn=800, n_judge=3000),
    Source(name="adult_large", n_learn=20_000, n_judge=8000, is_large=True),
    Source(name="flights_large", n_learn=20_000, n_judge=8000, is_large=True),
    Source(name="cdc_large", n_learn=20_000, n_judge=10_000, is_large=True),
)
# Rows to learn from and to judge on where nearly all of a table are used.
_NEARLY_ALL = {
    "german": (640, 160),
    "digits": (1437, 360),
    "wide": (1600, 3200),
    "credit": (2500, 1063),
    "telco": (4000, 1634),
    "diamonds": (4000, 8000),
    "lending": (6000, 1885),
    "adult": (8000, 8000),
    "rare_1": (8000, 16_000),
    "rare_2": (8000, 16_000),
    "rare_3": (8000, 16_000),
}


def asked_for(description: str | None, sets: Sequence[Source]) -> tuple[list[Source], Path]:
    """Return what the command line chose of these sets, and the folder of the data."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with one folder per data set")
    parser.add_argument("--sets", nargs="+", default=[source.name for source in sets])
    arguments = parser.parse_args()
    return [source for source in sets if source.name in arguments.sets], arguments.data


def nearly_all(**n_draws: int) -> tuple[Source, ...]:
    """Return tables by name, nearly whole, drawn so many times."""
    return tuple(
        Source(name=name, n_learn=_NEARLY_ALL[name][0], n_judge=_NEARLY_ALL[name][1], n_draws=n)
        for name, n in n_draws.items()
    )


def _rare(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return a table of which 1 % are of class 1."""
    X, y = make_classification(
        24_000,
        20,
        n_informative=8,
        n_clusters_per_class=3,
        weights=[0.99],
        flip_y=0.0,
        class_sep=0.6,
        random_state=seed,
    )
    return X, y


_MADE: dict[str, Callable[[], tuple[NDArray[np.float64], NDArray[np.int64]]]] = {
    "wide": lambda: make_classification(4800, 120, n_informative=12, n_redundant=20, class_sep=0.7, random_state=1),
    "noisy": lambda: make_classification(
        5500, 20, n_informative=8, flip_y=0.25, n_clusters_per_class=4, random_state=2
    ),
    "imbalanced": lambda: make_classification(
        10000, 12, n_informative=7, weights=[0.97], flip_y=0.01, class_sep=0.8, random_state=3
    ),
    "four": lambda: make_classification(
        5500, 15, n_informative=9, n_classes=4, n_clusters_per_class=3, class_sep=0.8, random_state=4
    ),
    "rare_1": lambda: _rare(1),
    "rare_2": lambda: _rare(2),
    "rare_3": lambda: _rare(3),
    "breast_cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": lambda: load_digits(return_X_y=True),
}


def draws(source: Source, data: Path) -> Iterator[Draw]:
    """Yield the draws of a data set, stratified by nothing but chance, folds stratified."""
    table = _table(source.folder, data)
    for seed in range(source.n_draws):
        order = np.random.default_rng([seed, table.num_rows]).permutation(table.num_rows)
        learn, judge = order[: source.n_learn], order[source.n_learn : source.n_learn + source.n_judge]
        name = f"{source.name}-{seed}"
        yield make_draw(name, table.take(learn), judged=table.take(judge), seed=seed, is_large=source.is_large)


def make_draw(name: str, rows: pa.Table, *, judged: pa.Table, seed: int, is_large: bool = False) -> Draw:
    """Return a draw of these rows, whose label is ``target``, with stratified folds."""
    target = make_target(rows["target"], "target")
    schema = Schema(columns=infer_columns(rows, target="target", overrides={}), target=target)
    y = encode_target(target, rows["target"])
    known = np.isin(judged["target"].to_pylist(), rows["target"].unique().to_pylist())
    judged = judged.filter(pa.array(known))
    pairs = make_folds(y, kind="stratified", n_folds=4 if is_large else N_FOLDS, seed=seed)[: 1 if is_large else None]
    return Draw(
        name=name,
        schema=schema,
        table=conform(rows, schema, origin=name),
        table_judge=conform(judged, schema, origin=name),
        y=y,
        y_judge=encode_target(target, judged["target"]),
        folds=tuple(Fold(train=train, valid=valid) for train, valid in pairs),
    )


def _table(name: str, data: Path) -> pa.Table:
    if name not in _MADE:
        return pq.read_table(data / name / "train.parquet")
    X, y = _MADE[name]()
    columns = {f"x{position}": column for position, column in enumerate(X.T)}
    return pa.table({**columns, "target": y})
