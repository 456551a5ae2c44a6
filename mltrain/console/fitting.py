"""Which columns of a table are shown on a screen of so many cells, and how wide each is.

A number, an id or a name is never cropped and never broken. Where all columns do not fit, those that the table calls
spare are left out, the least important one first; where that is not enough, the others go on in further tables beneath,
each with the first column again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

GAP = 3
"""Cells between two columns."""
_LONGEST_WORD = 32  # of prose: longer words, such as paths, are folded rather than pushing other columns out


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    header : str
        Perhaps of several lines.
    is_right : bool
        Set to the right, as numbers are.
    is_whole : bool
        Never broken; other columns are broken between words.
    """

    header: str
    cells: tuple[str, ...]
    is_right: bool = False
    is_whole: bool = False

    @property
    def most(self) -> int:
        """Cells that it takes unbroken."""
        return max(cell_len(line) for text in (self.header, *self.cells) for line in text.split("\n"))

    @property
    def least(self) -> int:
        """Cells that it cannot do without."""
        if self.is_whole:
            return self.most
        words = max((cell_len(word) for text in self.cells for word in text.split()), default=0)
        return max(min(words, _LONGEST_WORD), *(cell_len(word) for word in ("", *self.header.split())), 1)


def fitted(columns: Sequence[Column], *, width: int, spare: Sequence[str] = ()) -> list[list[Column]]:
    """Return the columns of one table or, where they do not fit beside each other, of several.

    Parameters
    ----------
    spare : sequence of str
        Headers of the columns that may be left out, the least important one first.
    """
    kept = list(columns)
    for header in spare:
        if _least(kept) <= width:
            break
        kept = [column for column in kept if column.header != header]
    first, *others = kept
    tables = [[first]]
    for column in others:
        if len(tables[-1]) > 1 and _least([*tables[-1], column]) > width:
            tables.append([first])
        tables[-1].append(column)
    return tables


def widths(columns: Sequence[Column], *, width: int) -> list[int]:
    """Return the cells of each column: what is left goes to those that would be broken, the shortest one first."""
    found = [column.least for column in columns]
    left = width - sum(found) - GAP * (len(columns) - 1)
    in_need = sorted(range(len(columns)), key=lambda position: columns[position].most - found[position])
    for done, position in enumerate(in_need):
        share = max(left, 0) // (len(columns) - done)
        more = max(min(columns[position].most - found[position], share), 0)
        found[position] += more
        left -= more
    return found


def _least(columns: Sequence[Column]) -> int:
    """Return the cells that columns cannot do without beside each other."""
    return sum(column.least for column in columns) + GAP * (len(columns) - 1)
