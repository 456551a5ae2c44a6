"""What a model leans on: how much worse its predictions get when one column is shuffled."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from mltrain.metrics import Codes, Floats, Metric, score

_N_ROUNDS = 3


def permutation_importance(
    predict_proba: Callable[[pa.Table], Floats],
    table: pa.Table,
    *,
    y: Codes,
    metric: Metric,
    seed: int,
    max_rows: int = 5_000,
    deadline: float | None = None,
) -> dict[str, float]:
    """Shuffle the columns one by one and see what is lost.

    Parameters
    ----------
    predict_proba : callable
        Takes a table like ``table`` and returns probabilities of shape (n_samples, n_classes).
    table : pyarrow.Table
        The columns to judge, and no others.
    y : ndarray of shape (n_samples,), class codes
    max_rows : int
        Rows drawn from the table, to end in time.
    deadline : float, optional
        `time.monotonic` value after which no further column is tried.

    Returns
    -------
    dict of str to float
        Mean loss of score by column over up to three shuffles, largest first; more is more important
        whichever way the metric points. Columns that were not reached are left out.

    References
    ----------
    Breiman, L. (2001). Random forests. Machine Learning 45. doi:10.1023/A:1010933404324
    """
    random = np.random.default_rng(seed)
    if table.num_rows > max_rows:
        drawn = np.sort(random.choice(table.num_rows, max_rows, replace=False))
        table, y = table.take(pa.array(drawn)), y[drawn]
    sign = 1.0 if metric.greater_is_better else -1.0
    intact = score(metric, y, predict_proba(table))
    losses: dict[str, list[float]] = {}
    for _ in range(_N_ROUNDS):
        for position, name in enumerate(table.column_names):
            if deadline is not None and time.monotonic() >= deadline:
                return _ordered(losses)
            shuffled = table.column(position).take(pa.array(random.permutation(table.num_rows)))
            broken = table.set_column(position, table.field(position), shuffled)
            loss = sign * (intact - score(metric, y, predict_proba(broken)))
            losses.setdefault(name, []).append(loss)
    return _ordered(losses)


def _ordered(losses: dict[str, list[float]]) -> dict[str, float]:
    """Average and put the largest loss first; equal ones by name."""
    means = {name: float(np.mean(values)) for name, values in losses.items()}
    return dict(sorted(means.items(), key=lambda entry: (-entry[1], entry[0])))
