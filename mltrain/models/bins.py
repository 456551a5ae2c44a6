"""What boosters make of the folds for each setting of their bins: few settings, of which the latest stay in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from mltrain.space import Choice, Dimension, Int, Scalar, Space

Made = TypeVar("Made")
Setting: TypeAlias = tuple[tuple[str, Scalar], ...]

_FEWEST_SETTINGS = 2
# Cells of all settings that stay: some 100 MB, next to nothing beside the libraries.
_MOST_CELLS = 10_000_000
_MOST_VALUES = 5


@dataclass(kw_only=True, slots=True)
class LatestBins(Generic[Made]):
    """The folds' data in the latest settings of bins, two on large data; what a fit still reads stays with the fit.

    Attributes
    ----------
    n_cells : int
        Rows times features of the view: the fewer, the more settings are kept.
    """

    n_cells: int
    _lock: Lock = field(default_factory=Lock)
    _made: OrderedDict[Setting, dict[int, Made]] = field(default_factory=OrderedDict)

    def fold(self, setting: Mapping[str, Scalar], fold: int, *, make: Callable[[], Mapping[int, Made]]) -> Made:
        """Return one fold's data, made on first use.

        Parameters
        ----------
        make : callable
            Returns the data of this fold, by its number, and of others where they come with it.
        """
        key = tuple(sorted(setting.items()))
        with self._lock:
            made = self._made.setdefault(key, {})
            self._made.move_to_end(key)
            # Before another is made: both at once would be one too many.
            while len(self._made) > max(_FEWEST_SETTINGS, _MOST_CELLS // max(self.n_cells, 1)):
                self._made.popitem(last=False)
            if fold not in made:
                made.update(make())
            return made[fold]


def with_few_bins(space: Space, binning: frozenset[str]) -> Space:
    """Return the space with a few values instead of each range of a parameter that asks for bins of its own.

    Every other value would be binned for one trial alone. Values are spread by orders of magnitude, the largest first:
    it is taken where nothing else is said.
    """
    return {name: _few_values(dimension) if name in binning else dimension for name, dimension in space.items()}


def _few_values(dimension: Dimension) -> Dimension:
    if not isinstance(dimension, Int) or dimension.high - dimension.low < _MOST_VALUES or dimension.low < 0:
        return dimension
    # 15, 31, 63, 127, 255: one bin more, for what is missing, fills the bits.
    steps = np.geomspace(dimension.low + 1, dimension.high + 1, _MOST_VALUES) - 1
    return Choice(options=tuple(int(value) for value in np.unique(np.rint(steps))[::-1]))
