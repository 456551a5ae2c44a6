"""Which row of a dated table each label sees: the last one of its keys that was there at its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mltrain.data.asof.keys import NO_KEY, KeyCodes

NOTHING = -1
NEVER_WRITTEN = np.iinfo(np.int64).min
Times = NDArray[np.int64]
BYTES_A_ROW = 120
"""What a join takes while it runs, of labels and of dated rows: measured on millions of both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedRows:
    """When the rows of a dated table hold and were written.

    Attributes
    ----------
    times : ndarray of shape (n_dated,)
        From when on each row holds.
    written : ndarray of shape (n_dated,), optional
        When each was written, `NEVER_WRITTEN` where nobody noted it.
    """

    times: Times
    written: Times | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Matches:
    """What each label sees.

    Attributes
    ----------
    rows : ndarray of shape (n_labels,)
        Position in the dated table, `NOTHING` where there is none.
    is_too_old : ndarray of shape (n_labels,)
        Where there was something earlier, but nothing young enough.
    is_late : ndarray of shape (n_labels,)
        Where the last row that holds was written after the label's time, whether it is used or not.
    is_tied : ndarray of shape (n_labels,)
        Where another row has the keys and the time of the one that is used.
    """

    rows: NDArray[np.int64]
    is_too_old: NDArray[np.bool_]
    is_late: NDArray[np.bool_]
    is_tied: NDArray[np.bool_]


def match_rows(
    codes: KeyCodes, times: Times, dated: DatedRows, *, max_age: int | None, leave_out_late: bool = False
) -> Matches:
    """Return for each label the last row of its keys from at most its time on; both bounds are included.

    Of rows with one key and one time the last written counts, and of those the last in the table: what Feast does.

    Parameters
    ----------
    times : ndarray of shape (n_labels,)
        Time of each label, in the unit of the dated rows and of ``max_age``.
    max_age : int, optional
        Rows that hold since longer do not count.
    leave_out_late : bool
        Look past rows that were written after the label's time.

    Notes
    -----
    Takes some `BYTES_A_ROW` bytes for each row of both tables while it runs.
    """
    order = _by_key_and_time(codes, dated)
    held_since = dated.times[order]
    found = _last_before(codes, times, order=order, held_since=held_since)
    within = found != NOTHING
    too_old = np.zeros(len(times), dtype=np.bool_)
    if max_age is not None:
        too_old[within] = times[within] - held_since[found[within]] > max_age
        found = np.where(too_old, NOTHING, found)
    late = np.zeros(len(times), dtype=np.bool_)
    if dated.written is not None:
        written = dated.written[order]
        late = _is_late(found, times, written)
        if leave_out_late:
            oldest = None if max_age is None else times - max_age
            found = _look_past_late(found, codes, times, order=order, written=written)
            if oldest is not None:
                gone = (found != NOTHING) & (held_since[np.maximum(found, 0)] < oldest)
                found = np.where(gone, NOTHING, found)
    rows = np.where(found == NOTHING, NOTHING, order[np.maximum(found, 0)] if len(order) else NOTHING)
    tied = _is_tied(found, codes.dated[order], held_since)
    return Matches(rows=rows.astype(np.int64), is_too_old=too_old, is_late=late, is_tied=tied)


def _by_key_and_time(codes: KeyCodes, dated: DatedRows) -> NDArray[np.intp]:
    """Return the positions of rows that have keys, by key, then time, then when they were written."""
    keyed = np.flatnonzero(codes.dated != NO_KEY)
    sort_keys = [dated.times[keyed], codes.dated[keyed]]
    if dated.written is not None:
        sort_keys.insert(0, dated.written[keyed])
    return keyed[np.lexsort(sort_keys)]


def _last_before(codes: KeyCodes, times: Times, *, order: NDArray[np.intp], held_since: Times) -> NDArray[np.int64]:
    """Return for each label the position in ``order`` of the last row of its keys that is not after it."""
    labels = pd.DataFrame({"time": times, "code": codes.labels, "label": np.arange(len(times))})
    labels = labels[labels["code"] != NO_KEY].sort_values("time", kind="stable")
    dated = pd.DataFrame({"time": held_since, "code": codes.dated[order], "place": np.arange(len(order))})
    dated = dated.sort_values("time", kind="stable")  # rows of one key and time stay in their order
    joined = pd.merge_asof(labels, dated, on="time", by="code", direction="backward", allow_exact_matches=True)
    found = np.full(len(times), NOTHING, dtype=np.int64)
    found[joined["label"].to_numpy()] = joined["place"].fillna(NOTHING).to_numpy(dtype=np.int64)
    return found


def _is_late(found: NDArray[np.int64], times: Times, written: Times) -> NDArray[np.bool_]:
    """Return where a row was found that was written after the label's time."""
    late = np.zeros(len(times), dtype=np.bool_)
    there = found != NOTHING
    late[there] = written[found[there]] > times[there]
    return late


def _is_tied(found: NDArray[np.int64], key_of: NDArray[np.int64], held_since: Times) -> NDArray[np.bool_]:
    """Return where the row found has a neighbour of the same keys and time."""
    like_next = (key_of[1:] == key_of[:-1]) & (held_since[1:] == held_since[:-1])
    like_any = np.zeros(len(key_of), dtype=np.bool_)
    like_any[1:] |= like_next
    like_any[:-1] |= like_next
    tied = np.zeros(len(found), dtype=np.bool_)
    there = found != NOTHING
    tied[there] = like_any[found[there]]
    return tied


def _look_past_late(
    found: NDArray[np.int64],
    codes: KeyCodes,
    times: Times,
    *,
    order: NDArray[np.intp],
    written: Times,
) -> NDArray[np.int64]:
    """Step back from rows that were not written yet, or nobody knows when, to the one before of the same keys."""
    found = found.copy()
    key_of = codes.dated[order]
    labels = np.flatnonzero(found != NOTHING)
    while len(labels):
        unseen = (written[found[labels]] > times[labels]) | (written[found[labels]] == NEVER_WRITTEN)
        labels = labels[unseen]
        earlier = found[labels] - 1
        same = (earlier >= 0) & (key_of[np.maximum(earlier, 0)] == codes.labels[labels])
        found[labels] = np.where(same, earlier, NOTHING)
        labels = labels[same]
    return found
