"""Names of encoded features that every library accepts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 80


def safe_name(text: str) -> str:
    """Return ``text`` in letters, digits and underscores; empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_")[:_LONGEST]


def unique_names(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return safe names in the same order, made different by a number where two would be equal.

    Examples
    --------
    >>> unique_names(["Größe", "a b", "a-b", "年齢"])
    ('Groe', 'a_b', 'a_b_2', 'feature_3')
    """
    taken: set[str] = set()
    names = []
    for position, text in enumerate(wanted):
        stem = safe_name(text) or f"feature_{position}"
        stem = f"f_{stem}" if stem[0].isdigit() else stem
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name)
        names.append(name)
    return tuple(names)
