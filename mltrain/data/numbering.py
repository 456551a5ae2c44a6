"""Which row of the user's table is meant, where only some of its rows are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RowNumber: TypeAlias = Callable[[int], int]
"""Tells the number, counted from 1 in the user's table, of a row counted from 0 among those looked at."""


def from_one(row: int) -> int:
    """Return the number of a row of a table that is looked at whole."""
    return row + 1


def among(kept: NDArray[np.bool_], *, before: int = 0, first: int = 0) -> RowNumber:
    """Return what numbers the rows that were kept of a table.

    Parameters
    ----------
    kept : ndarray of shape (n_rows,)
        Which rows of the table, or of a batch of it, were kept.
    before : int
        Rows of the table before the batch.
    first : int
        Kept rows before those looked at.

    Examples
    --------
    >>> among(np.array([False, True, True]), before=10)(1)
    13
    """
    return lambda row: before + int(np.flatnonzero(kept)[first + row]) + 1


def shifted(text: str, first_row: int) -> str:
    """Turn the row within a piece of a table, which a text ends in, into the row within the table.

    Parameters
    ----------
    first_row : int
        Rows of the table before the piece.

    Examples
    --------
    >>> shifted("rows.csv, column 'x', row 5", 100)
    "rows.csv, column 'x', row 105"
    """
    return re.sub(r"\brow (\d+)$", lambda found: f"row {int(found[1]) + first_row}", text)
