"""Rows as hashes, with one column left out where asked, and how surprising it is that two rows are alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.audit.codes import coarse, value_codes
from mltrain.data.floats import as_floats

MIX = 0x9E3779B97F4A7C15
STIR = np.uint64(0xBF58476D1CE4E5B9)
DIGITS = 6
PAIRED_ROWS = 10_000
PAIRED_COLUMNS = 100


@dataclass(frozen=True, kw_only=True)
class HashedRows:
    """Rows of conformed features, hashed.

    Attributes
    ----------
    codes : ndarray of shape (n_columns, n_samples), int32
        A number from 0 for each different value of a column.
    """

    table: pa.Table
    codes: NDArray[np.int32]

    def part(self, position: int) -> NDArray[np.uint64]:
        """Return what one column adds to the hash of each row, shape (n_samples,)."""
        salt = np.uint64((position + 1) * MIX % 2**64)
        hashes = (self.codes[position].astype(np.uint64) + salt) * STIR
        hashes ^= hashes >> np.uint64(31)
        hashes *= np.uint64(MIX)
        hashes ^= hashes >> np.uint64(29)
        return np.asarray(hashes, dtype=np.uint64)

    @cached_property
    def whole(self) -> NDArray[np.uint64]:
        """Hash of each row, shape (n_samples,): a wrapping sum over columns, so that one is left out by subtraction."""
        total = np.zeros(self.codes.shape[1], dtype=np.uint64)
        for position in range(len(self.codes)):
            total += self.part(position)
        return total

    def bits(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return by how many bits each value of these rows tells them from other rows, shape (n_columns, n_rows).

        Notes
        -----
        Minus the binary logarithm of the share of other rows with that value, less what an earlier column says of it
        already: columns that follow from each other would else make rows look more particular than they are. Of a value
        that two rows hold, the share is that of Good and Turing, the two themselves left aside.

        References
        ----------
        Good, "The population frequencies of species and the estimation of population parameters" (1953),
        doi:10.1093/biomet/40.3-4.237.
        """
        n_samples = self.codes.shape[1]
        found = np.empty((len(self.codes), len(rows)))
        for position, codes in enumerate(self.codes):
            counts = np.bincount(codes)
            others = np.maximum(counts[codes[rows]] - 1, 1).astype(np.float64)
            once, twice = max(int((counts == 1).sum()), 1), int((counts == 2).sum())
            others[others == 1] = min(max(2 * (twice - 1), 1) / once, 1.0)
            found[position] = -np.log2(others / n_samples)
        return found * (1 - self._known)[:, np.newaxis]

    @cached_property
    def _known(self) -> NDArray[np.float64]:
        """Share of each column's information that one earlier column holds, the largest, shape (n_columns,)."""
        n_samples = self.codes.shape[1]
        chosen = np.random.default_rng(0).choice(n_samples, min(n_samples, PAIRED_ROWS), replace=False)
        few = self.table.take(pa.array(np.sort(chosen)))
        columns = [coarse(column) for column in few.columns]
        known = np.zeros(len(columns))
        for position, codes in enumerate(columns):
            own = _entropy(codes)
            for earlier in columns[: min(position, PAIRED_COLUMNS)]:
                both = _entropy(codes * (int(earlier.max()) + 1) + earlier)
                shared = own + _entropy(earlier) - both
                known[position] = max(known[position], shared / own if own > 0 else 0.0)
        return np.clip(known, 0.0, 1.0)


def hash_rows(table: pa.Table, *, is_rough: bool = False) -> HashedRows:
    """Hash the rows of conformed features.

    Parameters
    ----------
    is_rough : bool
        Take numbers with the same six leading digits for the same.
    """
    codes = np.empty((table.num_columns, table.num_rows), dtype=np.int32)
    for position, column in enumerate(table.columns):
        rounded = is_rough and pa.types.is_floating(column.type)
        codes[position] = _rounded_codes(column) if rounded else value_codes(column)
    return HashedRows(table=table, codes=codes)


def _entropy(codes: NDArray[np.int64]) -> float:
    """Return the entropy of the codes in bits."""
    shares = np.bincount(codes) / len(codes)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _rounded_codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a number from 0 for each different value of six leading digits."""
    values = as_floats(column)
    finite = np.isfinite(values) & (values != 0)
    scale = np.ones(len(values))
    scale[finite] = 10.0 ** (np.floor(np.log10(np.abs(values[finite]))) - (DIGITS - 1))
    return value_codes(pa.chunked_array([pa.array(np.round(values / scale) * scale)]))
