"""Rows divided by time: what comes later is never learnt from earlier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.config import SplitSection
from mltrain.data.moments import require_moments
from mltrain.data.numbering import RowNumber, from_one
from mltrain.data.text import decoded, is_missing
from mltrain.errors import ConfigError, DataError
from mltrain.splitting.partition import NOWHERE, Codes, Parts

Moments = NDArray[np.int64]
AFTER_ALL = np.iinfo(np.int64).max
MISSING = np.iinfo(np.int64).min
"""The moment of a row without one."""


def is_moment(kind: pa.DataType) -> bool:
    """Say whether a time column of this type holds moments, which dates can cut, and not numbers such as a year."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not (pa.types.is_integer(kind) or pa.types.is_floating(kind))


def row_moments(times: pa.ChunkedArray, *, where: str = "the time column") -> Moments:
    """Return the moment of each row: microseconds in UTC, or what orders like its number; shape (n_samples,).

    Raises
    ------
    mltrain.errors.DataError
        A time is missing, or is neither a moment nor a number.
    """
    moments = moments_where_known(times, where=where)
    check_moments(moments, where=where)
    return moments


def moments_where_known(times: pa.ChunkedArray, *, where: str) -> Moments:
    """Return the moment of each row, `MISSING` where there is none; shape (n_samples,).

    Raises
    ------
    mltrain.errors.DataError
        A time is neither a moment nor a number.
    """
    values = decoded(times)
    if not is_moment(values.type):
        missing = is_missing(values)
        known = pc.fill_null(values, 0) if values.null_count else values
        return np.where(missing, MISSING, _ordered_like(known.to_numpy()))
    moments = require_moments(values, where=where, hint="use dates, timestamps, ISO 8601 text or numbers")
    return np.asarray(pc.fill_null(moments.cast(pa.int64()), MISSING).to_numpy())


def check_moments(moments: Moments, *, where: str, number: RowNumber = from_one) -> None:
    """Refuse rows that cannot be ordered.

    Parameters
    ----------
    number : callable
        Tells which row of the user's table is meant, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A moment is `MISSING`.
    """
    missing = moments == MISSING
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} rows have no time",
            where=f"{where}, row {number(int(missing.argmax()))}",
            hint="fill or remove these rows, or use another split.kind",
        )


def _ordered_like(numbers: NDArray[Any]) -> Moments:
    """Return whole numbers in the order of these, which may be fractions."""
    if numbers.dtype.kind != "f" and numbers.dtype != np.uint64:
        return numbers.astype(np.int64)
    # The bits of a float are in its order, those of negative ones backwards; adding zero makes -0.0 and 0.0 one.
    bits = (numbers.astype(np.float64) + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ np.int64(AFTER_ALL), bits)


def first_moments(moments: Moments, groups: Codes) -> Moments:
    """Return for each row when its group was first seen, shape (n_samples,)."""
    first = np.full(int(groups.max()) + 1, AFTER_ALL)
    np.minimum.at(first, groups, moments)
    return first[groups]


def cut_before(moments: Moments, share: float) -> int:
    """Return the moment with about this share of rows before it; rows of one moment stay together."""
    if len(moments) == 0:
        return AFTER_ALL
    ordered = np.sort(moments)
    wanted = share * len(ordered)
    value = ordered[min(round(wanted), len(ordered) - 1)]
    low, high = (int(np.searchsorted(ordered, value, side=side)) for side in ("left", "right"))
    if low > 0 and (high == len(ordered) or wanted - low <= high - wanted):
        return int(value)
    return int(ordered[high]) if high < len(ordered) else AFTER_ALL


def check_cut_offs(section: SplitSection, kind: pa.DataType | None) -> None:
    """Refuse cut-off dates where the time column holds numbers.

    Raises
    ------
    mltrain.errors.ConfigError
        It does.
    """
    cut_off = section.test_from or section.validation_from
    if cut_off is not None and kind is not None and not is_moment(kind):
        raise ConfigError(
            f"column {section.time_column!r} holds numbers, which {cut_off} cannot cut",
            where="split.test_from" if section.test_from else "split.validation_from",
            hint="use split.test_size and split.validation_size",
        )


def split_cuts(
    moments: Moments, section: SplitSection, *, names: Sequence[str], shares: NDArray[np.float64]
) -> Moments:
    """Return the first moment of each split but the first, from the cut-off dates or else from the shares.

    Parameters
    ----------
    moments : ndarray of shape (n_samples,)
    names : sequence of str
        The splits in order of time; begins with train and validation.
    shares : ndarray of shape (n_splits,)
        Share of rows of each; those before a cut-off keep their ratios.
    """
    cuts: list[int] = []
    before_test, share = moments, dict(zip(names, shares.tolist(), strict=True))
    test_share = share.pop("test", 0.0)
    if test_share:
        cut = _cut_off(section.test_from) if section.test_from else cut_before(moments, 1 - test_share)
        before_test = moments[moments < cut]
        cuts.append(cut)
    validation_from = (
        _cut_off(section.validation_from)
        if section.validation_from
        else cut_before(before_test, share["train"] / sum(share.values()))
    )
    if "calibration" in share:
        held_out = before_test[before_test >= validation_from]
        cuts.insert(0, cut_before(held_out, share["validation"] / (share["validation"] + share["calibration"])))
    return np.array([validation_from, *cuts], dtype=np.int64)


def parts_by_time(moments: Moments, cuts: Moments, *, starts: Moments | None = None) -> Parts:
    """Return the part of each row.

    Parameters
    ----------
    cuts : ndarray of shape (n_parts - 1,)
        First moment of each part but the first.
    starts : ndarray of shape (n_samples,), optional
        When each row's group was first seen: a group belongs to the part it starts in, and what it does
        later, in the time of another part, is kept out (`NOWHERE`).
    """
    parts = np.searchsorted(cuts, moments, side="right").astype(np.uint8)
    if starts is None:
        return parts
    return np.where(np.searchsorted(cuts, starts, side="right").astype(np.uint8) == parts, parts, np.uint8(NOWHERE))


def folds_in_time(
    moments: Moments, *, n_folds: int, starts: Moments | None = None
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return folds that validate a stretch of time after training on all that precedes it."""
    ordered = moments if starts is None else starts
    cuts = np.unique([cut_before(ordered, (fold + 1) / (n_folds + 1)) for fold in range(n_folds)])
    cuts = cuts[cuts <= ordered.max(initial=0)]
    part = np.searchsorted(cuts, moments, side="right")
    start = part if starts is None else np.searchsorted(cuts, starts, side="right")
    return [
        (np.flatnonzero((part <= i) & (start <= i)), np.flatnonzero((part == i + 1) & (start == i + 1)))
        for i in range(len(cuts))
    ]


def _cut_off(moment: date | datetime) -> int:
    """Return a date or moment of the config in microseconds; without a zone it is UTC."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(np.datetime64(aware.astimezone(UTC).replace(tzinfo=None), "us").astype(np.int64))
