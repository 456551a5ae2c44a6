"""Drift between the rows that training may see and the test rows: whether a model tells the two apart, and by what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mltrain.audit.codes import binned, value_codes
from mltrain.audit.separation import Separation, deal_folds, held_out_shares, separation
from mltrain.audit.subject import Subject
from mltrain.data.floats import as_floats
from mltrain.data.splits import Finding

MOST_ROWS = 20_000  # of each side
MOST_COLUMNS = 500
FEWEST_ROWS = 50
TOLD, WARNED, SEVERE = 0.55, 0.65, 0.9
DRIVES = 0.52
MOST_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sides:
    """Rows of both sides, one after the other.

    Attributes
    ----------
    is_test : ndarray of shape (n_samples,)
        1 for test rows.
    """

    table: pa.Table
    is_test: NDArray[np.int64]


def check_drift(subject: Subject) -> Iterator[Finding]:
    """Report an adversarial AUC clearly above 0.5, with the columns that alone tell the sides apart.

    Notes
    -----
    A boosted forest is fitted on half of the rows to tell test rows from those of development and scores the other
    half, both ways round. In a split by time the time column is left out, and drift is a fact of the data rather than a
    fault of the split; else it means that the test rows come from elsewhere.

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017), https://arxiv.org/abs/1610.06545.
    """
    sides = _sides(subject)
    if sides is None or not sides.table.num_columns:
        return
    told = separation(_held_out_scores(sides, seed=subject.seed), sides.is_test)
    if told.low < TOLD:
        return
    drivers = _drivers(sides, seed=subject.seed)
    is_dated = subject.kind in ("time", "group_time")
    n_rows = len(sides.is_test)
    total = sum(subject.totals.rows.values())
    sample = f", on {n_rows:,} of {total:,} rows" if n_rows < total else ""
    shown = ", ".join(f"{name} {one.auc:.2f}" for name, one in list(drivers.items())[:MOST_SHOWN])
    by = f"; by single columns: {shown}" if shown else "; no single column tells"
    yield Finding(
        check="drift",
        severity=_severity(told, is_dated=is_dated),
        message=f"test rows can be told from the others: AUC {told.auc:.2f} ({told.low:.2f} to {told.high:.2f})"
        f"{by}{sample}",
        columns=tuple(drivers)[:MOST_SHOWN],
        advice=_advice(tuple(drivers), is_dated=is_dated),
        values={
            "auc": round(told.auc, 6),
            "low": round(told.low, 6),
            "high": round(told.high, 6),
            **{name: round(one.auc, 6) for name, one in drivers.items()},
        },
    )


def _sides(subject: Subject) -> _Sides | None:
    """Return as many rows of both sides, at most 20,000 each; None where a side has hardly any."""
    if "test" not in subject.features:
        return None
    rng = np.random.default_rng(subject.seed)
    seen = [subject.features[name] for name in subject.development if name in subject.features]
    if not seen:
        return None
    sides = [pa.concat_tables(seen, promote_options="permissive"), subject.features["test"]]
    n_each = min(MOST_ROWS, *(side.num_rows for side in sides))
    if n_each < FEWEST_ROWS:
        return None
    taken = [side.take(pa.array(np.sort(rng.choice(side.num_rows, n_each, replace=False)))) for side in sides]
    names = [c.name for c in subject.schema.features if c.name != subject.schema.time][:MOST_COLUMNS]
    table = pa.concat_tables(taken, promote_options="permissive").select(names)
    return _Sides(table=table, is_test=np.repeat([0, 1], n_each))


def _held_out_scores(sides: _Sides, *, seed: int) -> NDArray[np.float64]:
    """Return the probability of both sides for each row by a model that has not seen it, shape (n_samples, 2)."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - a second and a half for this alone

    X = np.stack([_ranked(column, seed=seed) for column in sides.table.columns], axis=1)
    is_first = np.random.default_rng(seed).permutation(np.arange(len(X)) % 2).astype(bool)
    scores = np.empty((len(X), 2))
    model = HistGradientBoostingClassifier(
        max_iter=30, max_leaf_nodes=15, learning_rate=0.2, early_stopping=False, random_state=seed
    )
    # One thread: on a busy machine those of OpenMP wait for each other twenty times longer than they work.
    with threadpool_limits(1):
        for fitted, scored in ((is_first, ~is_first), (~is_first, is_first)):
            scores[scored] = model.fit(X[fitted], sides.is_test[fitted]).predict_proba(X[scored])
    return scores


def _ranked(column: pa.ChunkedArray, *, seed: int) -> NDArray[np.float64]:
    """Return numbers as they are, and categories by how common they are, shape (n_samples,)."""
    if not pa.types.is_dictionary(column.type):
        values = as_floats(column)
        return np.where(np.isfinite(values), values, np.nan)
    codes = value_codes(column)
    counts = np.bincount(codes)
    places = np.empty(len(counts))
    # Codes follow the first row that has them, and the test rows come last: levels equally common, in that order, would
    # tell the sides apart. Two that are on one side each must not fall together either, so chance decides.
    by_chance = np.random.default_rng(seed).permutation(len(counts))
    places[np.lexsort((by_chance, -counts))] = np.arange(len(counts))
    return places[codes]


def _drivers(sides: _Sides, *, seed: int) -> Mapping[str, Separation]:
    """Return the columns that alone tell the sides apart, the best first."""
    folds = deal_folds(len(sides.is_test), seed=seed)
    found = {}
    for name in sides.table.column_names:
        one = separation(held_out_shares(binned(sides.table.column(name)), sides.is_test, folds=folds), sides.is_test)
        if one.low > DRIVES:
            found[name] = one
    return dict(sorted(found.items(), key=lambda item: -item[1].auc))


def _severity(told: Separation, *, is_dated: bool) -> str:
    """Return how bad a drift is."""
    if told.low < WARNED:
        return "info"
    return "severe" if told.low >= SEVERE and not is_dated else "warning"


def _advice(drivers: tuple[str, ...], *, is_dated: bool) -> str:
    """Say what to do about a drift."""
    if is_dated:
        return "expect other scores later than now; a column that only tells the time: data.drop"
    if drivers:
        return f"find out why {drivers[0]} differs: are both files made in the same way, at the same time?"
    return "find out how the test rows were chosen"
