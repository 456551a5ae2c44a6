"""How much rows count: a column of weights, checked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.data.numbering import RowNumber, from_one
from mltrain.data.text import decoded
from mltrain.errors import DataError

HINT = "weights are numbers, 0 or more, with no gaps"


def row_weights(column: pa.ChunkedArray, name: str, *, number: RowNumber = from_one) -> NDArray[np.float64]:
    """Return the weight of each row, shape (n_samples,).

    Parameters
    ----------
    name : str
        The column's name, for messages.
    number : callable
        Tells which row of the user's table is meant, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A weight is missing, no number, negative or infinite; names the row.
    """
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise DataError(f"weights of type {kind} are no numbers", where=f"column {name!r}", hint=HINT)
    weights = np.asarray(decoded(column).cast(pa.float64()).to_numpy(), dtype=np.float64)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        value = "missing" if np.isnan(weights[row]) else f"{weights[row]:g}"
        where = f"column {name!r}, row {number(row)}"
        raise DataError(f"a weight is {value}", where=where, hint=HINT)
    return weights


def fitting_weights(
    y: NDArray[np.int64], weights: NDArray[np.float64] | None, *, is_balanced: bool
) -> NDArray[np.float64] | None:
    """Return what rows count for while models are fitted, with mean 1; None where all count the same.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), class codes
    weights : ndarray of shape (n_samples,), optional
    is_balanced : bool
        Give every class the same total.

    Raises
    ------
    mltrain.errors.DataError
        All rows of a class weigh nothing.
    """
    if weights is None and not is_balanced:
        return None
    weights = np.ones(len(y)) if weights is None else weights
    totals = np.bincount(y, weights=weights)
    there = np.bincount(y) > 0
    if (totals[there] == 0).any():
        hint = "raise them, or remove the rows: no model could predict the class"
        raise DataError("all rows of a class weigh nothing", where="data.weight_column", hint=hint)
    if is_balanced:
        weights = weights / totals[y]
    return np.asarray(weights * (len(y) / weights.sum()))
