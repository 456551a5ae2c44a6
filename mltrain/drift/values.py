"""Conformed columns as what profiles are made of: float64, or text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def as_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return numbers or dates (in microseconds since 1970), NaN where missing; shape (n_samples,)."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return categories or truth values as plain text."""
    return pc.cast(column, pa.string())
