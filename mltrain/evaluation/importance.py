"""What a model leans on: how much worse its predictions get when one column is shuffled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from mltrain.metrics import Codes, Floats, Metric, score

_N_ROUNDS = 3
_ENOUGH_ROWS = 500  # more rounds are worth more than more rows from here on
_FEWEST_ROWS = 200  # with fewer a loss of score is noise: rather leave columns out


def permutation_importance(
    predict_proba: Callable[[pa.Table], Floats],
    table: pa.Table,
    *,
    y: Codes,
    metric: Metric,
    seed: int,
    max_rows: int = 5_000,
    max_predictions: int | None = None,
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
        Rows drawn from the table.
    max_predictions : int, optional
        Rows to predict in all, rows x columns x rounds: with many columns first rounds, then rows, then the last
        columns are saved. Work and not time is bounded, so that the outcome does not depend on the machine's load.

    Returns
    -------
    dict of str to float
        Mean loss of score by column over up to three shuffles, largest first; more is more important
        whichever way the metric points. Columns beyond ``max_predictions`` are left out.

    References
    ----------
    Breiman, L. (2001). Random forests. Machine Learning 45. doi:10.1023/A:1010933404324
    """
    random = np.random.default_rng(seed)
    most = min(table.num_rows, max_rows)
    work = max_predictions if max_predictions is not None else most * table.num_columns * _N_ROUNDS
    n_columns = min(table.num_columns, max(1, work // max(1, min(most, _FEWEST_ROWS))))
    n_rounds = min(_N_ROUNDS, max(1, work // max(1, n_columns * min(most, _ENOUGH_ROWS))))
    n_rows = min(most, max(work // max(1, n_columns * n_rounds), 1))
    if table.num_rows > n_rows:
        drawn = np.sort(random.choice(table.num_rows, n_rows, replace=False))
        table, y = table.take(pa.array(drawn)), y[drawn]
    sign = 1.0 if metric.greater_is_better else -1.0
    intact = score(metric, y, predict_proba(table))
    losses: dict[str, list[float]] = {}
    for _ in range(n_rounds):
        for position, name in enumerate(table.column_names[:n_columns]):
            shuffled = table.column(position).take(pa.array(random.permutation(table.num_rows)))
            broken = table.set_column(position, table.field(position), shuffled)
            loss = sign * (intact - score(metric, y, predict_proba(broken)))
            losses.setdefault(name, []).append(loss)
    return _ordered(losses)


def _ordered(losses: dict[str, list[float]]) -> dict[str, float]:
    """Average and put the largest loss first; equal ones by name."""
    means = {name: float(np.mean(values)) for name, values in losses.items()}
    return dict(sorted(means.items(), key=lambda entry: (-entry[1], entry[0])))
