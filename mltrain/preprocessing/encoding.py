"""Apply an encoder to a conformed table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from mltrain.models import View
from mltrain.preprocessing.features import Codes, Encoder, Feature, Level, Missing, Number
from mltrain.preprocessing.reading import read_category, read_number, read_plain

_ROWS_AT_ONCE = 262_144
_ROWS_IN_CACHE = 4_096
_COLUMNS_AT_ONCE = 64


def encode(encoder: Encoder, table: pa.Table) -> View:
    """Return the view of X that the encoder describes.

    Parameters
    ----------
    table : pyarrow.Table
        Conformed to the schema that the encoder was fitted with.

    Returns
    -------
    View
        ``X`` is float32, C-ordered or CSR; no value is infinite.
    """
    starts = range(0, max(table.num_rows, 1), _ROWS_AT_ONCE)
    if encoder.is_sparse:
        blocks = [_encode_sparse(encoder, table.slice(start, _ROWS_AT_ONCE)) for start in starts]
        X: Any = blocks[0] if len(blocks) == 1 else _joined(blocks)
    else:
        X = np.zeros((table.num_rows, len(encoder.features)), dtype=np.float32)
        for start in starts:
            _encode_dense(encoder, table.slice(start, _ROWS_AT_ONCE), out=X[start : start + _ROWS_AT_ONCE])
    if table.num_rows > _ROWS_AT_ONCE:
        # Arrow keeps what its conversions freed, on large tables half the size of the view.
        pa.default_memory_pool().release_unused()
    return View(kind=encoder.kind, X=X, feature_names=encoder.feature_names, categorical=encoder.categorical)


def encode_number(feature: Number, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``values`` after the steps that the feature declares."""
    if feature.fill is not None:
        values = np.where(np.isnan(values), feature.fill, values)
    if feature.log_unit is not None:
        values = np.sign(values) * np.log1p(np.abs(values) / feature.log_unit)
    if (feature.center, feature.scale) != (0.0, 1.0):
        values = (values - feature.center) / feature.scale
    return values if feature.bound is None else np.clip(values, -feature.bound, feature.bound)


def _encode_dense(encoder: Encoder, table: pa.Table, *, out: NDArray[np.float32]) -> None:
    """Fill ``out``, zeros of shape (n_samples, n_features)."""
    position = 0
    columns: dict[int, NDArray[np.float32]] = {}
    for _, group in groupby(encoder.features, key=_block):
        features = tuple(group)
        if isinstance(features[0], Level):
            hits = position + _level_positions(features, table)
            rows = np.flatnonzero(hits >= position)
            out[rows, hits[rows]] = 1.0
        else:
            columns[position] = _column(features[0], table)
        if len(columns) == _COLUMNS_AT_ONCE:
            _fill(out, columns)
            columns = {}
        position += len(features)
    _fill(out, columns)


def _fill(out: NDArray[np.float32], columns: Mapping[int, NDArray[np.float32]]) -> None:
    """Set columns of ``out``, few rows at a time: a whole column would go through memory, not through the cache."""
    for start in range(0, len(out), _ROWS_IN_CACHE):
        some = slice(start, start + _ROWS_IN_CACHE)
        for position, values in columns.items():
            out[some, position] = values[some]


def _encode_sparse(encoder: Encoder, table: pa.Table) -> Any:
    """Fill one slot per row for each number and each category, then drop the zeros."""
    values: list[NDArray[np.float32]] = []
    positions: list[NDArray[np.int32]] = []
    start = 0
    for _, group in groupby(encoder.features, key=_block):
        features = tuple(group)
        if isinstance(features[0], Level):
            hits = _level_positions(features, table)
            values.append((hits >= 0).astype(np.float32))
            positions.append((start + hits).astype(np.int32))
        else:
            values.append(_column(features[0], table))
            positions.append(np.full(table.num_rows, start, dtype=np.int32))
        start += len(features)
    slots = np.stack(values, axis=1)
    used = slots != 0
    indptr = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    shape = (table.num_rows, len(encoder.features))
    return sparse.csr_matrix((slots[used], np.stack(positions, axis=1)[used], indptr), shape=shape)


def _joined(blocks: list[Any]) -> Any:
    """Return the rows of all CSR blocks, in order; empties the list, so that nothing is held twice for long."""
    n_values = sum(block.nnz for block in blocks)
    shape = (sum(block.shape[0] for block in blocks), blocks[0].shape[1])
    values = np.empty(n_values, dtype=np.float32)
    positions = np.empty(n_values, dtype=np.int32)
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    row, start = 0, 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        values[start : start + block.nnz] = block.data
        positions[start : start + block.nnz] = block.indices
        indptr[row + 1 : row + 1 + block.shape[0]] = start + block.indptr[1:]
        row, start = row + block.shape[0], start + block.nnz
    return sparse.csr_matrix((values, positions, indptr), shape=shape, copy=False)


def _block(feature: Feature) -> str:
    """Join the 0/1 columns of one category; keep every other feature by itself."""
    return f"level {feature.source}" if isinstance(feature, Level) else f"column {feature.name}"


def _column(feature: Feature, table: pa.Table) -> NDArray[np.float32]:
    column = table[feature.source]
    if isinstance(feature, Number):
        if feature.is_plain and feature.part == "value":
            return read_plain(column)
        return encode_number(feature, read_number(column, feature.part)).astype(np.float32)
    if isinstance(feature, Missing):
        return np.isnan(read_number(column, feature.part)).astype(np.float32)
    assert isinstance(feature, Codes)
    return _codes(feature, table)


def _codes(feature: Codes, table: pa.Table) -> NDArray[np.float32]:
    meaning = {level: code for code, level in enumerate(feature.levels)}
    meaning.update(dict.fromkeys(feature.pooled, len(feature.levels)))
    absent = np.nan if feature.missing_code is None else feature.missing_code
    return read_category(table[feature.source]).translate_to_floats(meaning, otherwise=absent)


def _level_positions(features: Sequence[Feature], table: pa.Table) -> NDArray[np.int64]:
    """Return which of the 0/1 columns of one category is 1 in each row; -1 for none."""
    levels = [feature for feature in features if isinstance(feature, Level)]
    meaning = {value: i for i, level in enumerate(levels) for value in level.values}
    missing = next((i for i, level in enumerate(levels) if level.missing), -1)
    return read_category(table[levels[0].source]).translate(meaning, otherwise=missing)
