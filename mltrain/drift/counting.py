"""Later rows counted in the bins of a profile, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data.floats import as_floats
from mltrain.drift.profile import LevelProfile, NumberProfile, Profile

ROWS_A_BATCH = 2_048  # enough for shares; every row of a large batch would cost as much as scoring it


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Rows beyond the smallest and the largest value of training."""

    below: int = 0
    above: int = 0


@dataclass(kw_only=True, slots=True)
class Tally:
    """Counts of the rows seen so far.

    Attributes
    ----------
    n_rows : int
        All rows.
    n_counted : int
        Those counted in bins: every n-th of large batches.
    bins : dict of str to ndarray
        Counts in the order of the profile's shares, by column.
    ends : dict of str to Ends
        Of all rows, by column of numbers.
    """

    profile: Profile
    n_rows: int = 0
    n_counted: int = 0
    bins: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    ends: dict[str, Ends] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        """Count conformed rows."""
        step = max(table.num_rows // ROWS_A_BATCH, 1)
        few = table.take(pa.array(np.arange(0, table.num_rows, step))) if step > 1 else table
        self.n_rows += table.num_rows
        self.n_counted += few.num_rows
        for name, column in self.profile.columns.items():
            if isinstance(column, LevelProfile):
                counts = _count_levels(few.column(name), column)
            else:
                counts = _count_numbers(few.column(name), column)
                self.ends[name] = _beyond(table.column(name), column, self.ends.get(name, Ends()))
            self.bins[name] = self.bins.get(name, np.zeros(len(counts), dtype=np.int64)) + counts

    def join(self, other: Tally) -> None:
        """Add what another tally of the same profile counted."""
        self.n_rows += other.n_rows
        self.n_counted += other.n_counted
        for name, counts in other.bins.items():
            self.bins[name] = self.bins.get(name, np.zeros(len(counts), dtype=np.int64)) + counts
        for name, ends in other.ends.items():
            own = self.ends.get(name, Ends())
            self.ends[name] = Ends(below=own.below + ends.below, above=own.above + ends.above)


def _count_numbers(column: pa.ChunkedArray, profile: NumberProfile) -> NDArray[np.int64]:
    """Return how many values lie in each bin, then how many are missing."""
    values = as_floats(column)
    present = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(profile.edges, present), minlength=len(profile.edges) + 1)
    return np.append(counts, len(values) - len(present)).astype(np.int64)


def _count_levels(column: pa.ChunkedArray, profile: LevelProfile) -> NDArray[np.int64]:
    """Return how many values are of each level, then of others, then missing."""
    counts = {item["values"]: item["counts"] for item in pc.value_counts(column.cast(pa.string())).to_pylist()}
    n_missing = counts.pop(None, 0)
    known = [counts.pop(level, 0) for level in profile.levels]
    return np.array([*known, sum(counts.values()), n_missing], dtype=np.int64)


def _beyond(column: pa.ChunkedArray, profile: NumberProfile, before: Ends) -> Ends:
    """Count finite values out of range; the ends of the batch mostly tell that there are none."""
    values = as_floats(column)
    # NumPy finds both ends ten times faster than Arrow; NaN, of values that are missing, is passed over.
    if (
        np.fmin.reduce(values, initial=np.inf) >= profile.low
        and np.fmax.reduce(values, initial=-np.inf) <= profile.high
    ):
        return before
    return Ends(
        below=before.below + int((values < profile.low).sum()), above=before.above + int((values > profile.high).sum())
    )
