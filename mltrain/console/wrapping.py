"""Text in lines: broken between words only; commands, paths and ids stay whole, so that they can be copied."""

from __future__ import annotations

import re

from rich.cells import cell_len

# What is in backticks or quotes, and the commands of `mltrain.installer`, count as one word.
_INSTALL = r"(?:\S+ -m pip install|pipx inject \S+)(?:(?: '[^']+')+| [\w.-]+)"
_WORD = re.compile(rf"(?:`[^`]+`|(?<!\w)'[^'\n]+'(?!\w)|{_INSTALL}|\S)+")


def wrapped(text: str, width: int, *, hanging: int = 0) -> list[str]:
    """Return lines of at most `width` cells; a word that is longer has a line of its own and stays whole.

    Parameters
    ----------
    hanging : int
        Spaces before further lines of a line that is broken, beside those that it begins with.

    Examples
    --------
    >>> wrapped("set `mltrain runs sync` up", 12)
    ['set', '`mltrain runs sync`', 'up']
    """
    return [part for line in text.split("\n") for part in _broken(line, width, hanging)]


def _broken(line: str, width: int, hanging: int) -> list[str]:
    """Return the parts of one line."""
    margin = line[: len(line) - len(line.lstrip())]
    first, *words = _WORD.findall(line) or [""]
    parts = [margin + first]
    for word in words:
        if cell_len(parts[-1]) + 1 + cell_len(word) <= width:
            parts[-1] += f" {word}"
        else:
            parts.append(margin + " " * hanging + word)
    return parts
