"""Conformed columns as small integers, so that every check can count instead of compare."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data.floats import as_floats

FEWEST_BINS, MOST_BINS = 16, 256
ROWS_A_BIN = 40
COARSE = 16


def value_codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a number from 0 for each different value, shape (n_samples,); missing values share one."""
    if pa.types.is_floating(column.type):  # 0.0 and -0.0 are one value, which Arrow's dictionary keeps apart
        column = pc.add(column, pa.scalar(0.0, column.type))
    if pa.types.is_dictionary(column.type):
        array = column.unify_dictionaries().combine_chunks()
        codes = array.indices
        n_levels = len(array.dictionary)
    else:
        encoded = column.combine_chunks().dictionary_encode()
        codes, n_levels = encoded.indices, len(encoded.dictionary)
    return np.asarray(pc.fill_null(codes, n_levels).to_numpy(zero_copy_only=False), dtype=np.int64)


def binned(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return categories as codes, and numbers by value or, where they are many, by quantile; shape (n_samples,).

    Missing values have a bin of their own: that a value is missing may tell as much as the value.
    """
    if pa.types.is_dictionary(column.type):
        return value_codes(column)
    values = as_floats(column)
    present = values[~np.isnan(values)]
    edges = np.unique(present)
    n_bins = min(max(len(values) // ROWS_A_BIN, FEWEST_BINS), MOST_BINS)
    if len(edges) > n_bins:
        edges = np.unique(np.quantile(present, np.linspace(0, 1, n_bins + 1)[1:-1]))
    codes: NDArray[np.int64] = np.searchsorted(edges, values, side="left").astype(np.int64)
    codes[np.isnan(values)] = len(edges) + 1
    return codes


def coarse(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return codes below 16: quantiles of numbers, the commonest levels of categories; shape (n_samples,)."""
    codes = binned(column)
    counts = np.bincount(codes)
    if pa.types.is_dictionary(column.type):
        places = np.empty(len(counts), dtype=np.int64)
        places[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        return np.minimum(places, COARSE - 1)[codes]
    before = np.cumsum(counts) - counts
    return (before * COARSE // max(len(codes), 1))[codes]
