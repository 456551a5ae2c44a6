"""One look for all figures, and text that every font can draw."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 120
BLUE, ORANGE, GREEN, GREY, INK = "#2f6db3", "#e07b39", "#3a9a6b", "#8a8f98", "#2b2f36"
GOLD, RED = "#c9a227", "#c22f3d"
DASHES = (0, (4, 4))
# A longer legend stands beside the axes.
LEGEND_INSIDE = 5
# Colours that stay apart for colour-blind readers; the second four are dashed as well, for print.
CYCLE = (BLUE, ORANGE, GREEN, "#b5477c", "#56b4d9", GOLD, "#6b4a36", "#7a5ab5")
STYLES = ("-", "-", "-", "-", (0, (5, 2)), (0, (5, 2)), (0, (1, 1.3)), (0, (1, 1.3)))
# Tried in turn for characters that the first does not have.
_FONTS = (
    "DejaVu Sans", "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Microsoft YaHei",
    "Hiragino Sans", "Arial Unicode MS", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
)  # fmt: skip
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "#5d6570",
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.8,
    "xtick.color": "#5d6570",
    "ytick.color": "#5d6570",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "text.usetex": False,
}


@contextmanager
def sheet(path: Path, *, width: float = 6.4, height: float = 4.8) -> Iterator[Figure]:
    """Yield an empty figure and write it as a PNG; the user's own matplotlib settings have no say.

    Parameters
    ----------
    width, height : float
        Inches.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, "font.family": list(_families())})
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        # No software version inside: the same picture gives the same bytes.
        figure.savefig(path, format="png", metadata={"Software": None})


@contextmanager
def drawn(path: Path, *, width: float = 6.4, height: float = 4.8) -> Iterator[Axes]:
    """Yield the only axes of a figure and write them as a PNG."""
    with sheet(path, width=width, height=height) as figure:
        yield figure.add_subplot()


def plain(value: Any, *, limit: int = 28) -> str:
    """Return text that is drawn as it is: no formulas, no missing glyphs, not too long."""
    text = _shortened(" ".join(str(value).split()) or "(empty)", limit)
    return "".join(one if _is_drawable(one) else "□" for one in text).replace("$", r"\$")


def unit_axes(axes: Axes, *, x: str, y: str, title: str) -> None:
    """Name the axes and let both run from 0 to 1."""
    axes.set(xlabel=x, ylabel=y, title=title, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))


def legend(axes: Axes, *, location: str = "best", title: str | None = None) -> None:
    """Show what the lines are; beside the axes when they are many."""
    n_entries = len(axes.get_legend_handles_labels()[0])
    place: dict[str, Any] = {"loc": location}
    if n_entries > LEGEND_INSIDE:
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes.legend(title=title, **place)


def _shortened(text: str, limit: int) -> str:
    """Cut the middle out of a wide text: names often differ at their ends only."""
    if len(_beginning(text, limit)) == len(text):
        return text
    end = _beginning(text[::-1], limit // 3)[::-1]
    return f"{_beginning(text, limit - 1 - limit // 3)}…{end}"


def _beginning(text: str, limit: int) -> str:
    """Return what fits in a width; a Chinese, Japanese or Korean character is as wide as two others."""
    widths = list(accumulate(2 if east_asian_width(one) in "WF" else 1 for one in text))
    return text[: bisect_right(widths, limit)]


@cache
def _families() -> tuple[str, ...]:
    """Return the fonts of the list that this machine has."""
    installed = set(font_manager.get_font_names())
    return tuple(name for name in _FONTS if name in installed)


@cache
def _is_drawable(character: str) -> bool:
    """Say whether one of the fonts has the character."""
    return any(_font(name).get_char_index(ord(character)) for name in _families())


@cache
def _font(name: str) -> Any:
    """Open a font."""
    return font_manager.get_font(font_manager.findfont(name))
