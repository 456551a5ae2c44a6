"""Numbers as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime


def duration_text(seconds: float) -> str:
    """Return seconds as ``0.4 s``, ``42 s``, ``3 min 05 s`` or ``1 h 02 min``."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment_text(moment: str | int) -> str:
    """Return a moment to the minute, in UTC: ISO text, or milliseconds since 1970.

    Examples
    --------
    >>> moment_text("2026-11-28T11:47:44+00:00")
    '2026-11-28 11:47'
    """
    known = datetime.fromtimestamp(moment / 1000, tz=UTC) if isinstance(moment, int) else datetime.fromisoformat(moment)
    return known.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def score_text(score: float | None) -> str:
    """Return a score with four decimals, or a dash where there is none."""
    return "-" if score is None or not math.isfinite(score) else f"{score:.4f}"


def share_text(share: float) -> str:
    """Return a share as per cent with one decimal."""
    return f"{100 * share:.1f} %"
