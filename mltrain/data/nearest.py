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
    near = _nearest(name, known)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"there are: {listed(known)}" if known else "there are no columns"


def suggest_each(wrong: Sequence[str], known: Sequence[str]) -> str:
    """Return a hint: the known name that is near to each wrong one, where one is, else what is known.

    Examples
    --------
    >>> suggest_each(["age", "income"], ["Age", "Income", "zip"])
    "did you mean 'Age' for 'age', 'Income' for 'income'?"
    """
    near = {name: _nearest(name, known) for name in wrong}
    pairs = [f"{there!r} for {name!r}" for name, there in near.items() if there is not None]
    if len(wrong) == 1 or not pairs:
        return suggest(wrong[0], known)
    return f"did you mean {', '.join(pairs[:MAX_LISTED])}?"


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is likest to a wrong one, whatever its case; None where none is near."""
    folded = {text.casefold(): text for text in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=NEAR)
    return folded[close[0]] if close else None


def listed(names: Sequence[str]) -> str:
    """Return names as text, the first ten of many."""
    shown = ", ".join(repr(name) for name in names[:MAX_LISTED])
    return shown if len(names) <= MAX_LISTED else f"{shown} and {len(names) - MAX_LISTED} more"
