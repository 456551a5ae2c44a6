"""The nearest right name, for messages about columns and classes that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

MAX_LISTED = 10
NEAR = 0.7  # likeness from which a name is worth proposing; short words reach 0.6 by chance


def suggest(name: str, known: Sequence[str]) -> str:
    """Return a hint: the known name that is near to a wrong one, else what is known, ten names at most.

    Examples
    --------
    >>> suggest("chrned", ["age", "churned"])
    "did you mean 'churned'?"
    """
    folded = {text.casefold(): text for text in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=NEAR)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    return f"there are: {listed(known)}" if known else "there are no columns"


def listed(names: Sequence[str]) -> str:
    """Return names as text, the first ten of many."""
    shown = ", ".join(repr(name) for name in names[:MAX_LISTED])
    return shown if len(names) <= MAX_LISTED else f"{shown} and {len(names) - MAX_LISTED} more"
