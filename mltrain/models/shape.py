"""What a family may know of the data when it proposes a space and first trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Where the values of a view are looked at.
_MOST_ROWS, _MOST_COLUMNS = 1_000, 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a family may know of the data when it proposes a space and first trials.

    Attributes
    ----------
    n_filled : float, optional
        Cells of a row that are stored, on average: fewer than features where the view is sparse. None stands for all.
    distinct : float, optional
        Share of a column's values that no row before had, on average over 100 columns of 1,000 rows: 1 where all
        differ. None where nobody knows, as of a sparse view.
    rarest : float, optional
        Share of the rows that are of the rarest class, in (0, 1 / n_classes]. None where nobody knows.
    """

    n_samples: int
    n_features: int
    n_classes: int
    n_categorical: int = 0
    n_filled: float | None = None
    distinct: float | None = None
    rarest: float | None = None

    @property
    def n_telling(self) -> float:
        """Rows of two equally frequent classes whose labels would vary as much as these do.

        Notes
        -----
        Labels of two classes vary by ``p (1 - p)``, at most a quarter of the rows: 8,000 of which one per cent are
        positive tell about as much as 317 of which half are. Of more classes all rows count.
        """
        if self.n_classes != 2 or self.rarest is None:
            return float(self.n_samples)
        return 4 * self.rarest * (1 - self.rarest) * self.n_samples


def distinct(X: NDArray[np.float32]) -> float:
    """Return the mean over some columns of different values per row, of some rows; missing values are none."""
    n_rows, n_columns = X.shape
    random = np.random.default_rng(0)
    rows = np.sort(random.choice(n_rows, min(n_rows, _MOST_ROWS), replace=False))
    columns = np.sort(random.choice(n_columns, min(n_columns, _MOST_COLUMNS), replace=False))
    ordered = np.sort(X[np.ix_(rows, columns)], axis=0)
    n_different = 1 + (ordered[1:] > ordered[:-1]).sum(axis=0)
    return float(n_different.mean() / len(ordered))


def rarest_share(y: NDArray[np.int64]) -> float:
    """Return the share of the rows that are of the rarest of the classes that occur."""
    counts = np.bincount(y)
    return float(counts[counts > 0].min() / y.size)
