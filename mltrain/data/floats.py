"""Conformed columns as float64, so that counting and comparing is NumPy's work."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def as_floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return numbers, truth values or moments (in microseconds since 1970), shape (n_samples,).

    NaN where missing or infinite: models take the two for the same.
    """
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    is_infinite = np.isinf(values)
    return np.where(is_infinite, np.nan, values) if is_infinite.any() else values
