"""Rows on two sides: the same ones, and ones that differ in a single column.

A row of test is looked for among all rows that models are fitted or chosen on, any other among those of train.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.audit.rows import HashedRows, hash_rows
from mltrain.audit.subject import Subject
from mltrain.data.nearest import listed
from mltrain.data.splits import Finding

MOST_SHOWN = 10
MOST_LEFT_OUT = 100
FEW, SOME, MANY = 0.005, 0.05, 0.1  # shares of a split
# Rows before like a given one, were values drawn independently: at least so many are no wonder, at most so many are
# no chance. In between, dependence that pairs of columns do not show may be the reason.
BY_CHANCE, NO_CHANCE = 0.1, 1e-7

Places = Mapping[str, NDArray[np.intp]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hits:
    """Rows of other splits that are like one which came before, by position within their split.

    Attributes
    ----------
    odd : mapping of str to ndarray of int
        Those that would hardly be alike by chance.
    strange : mapping of str to ndarray of int
        Those that would not.
    """

    all: Mapping[str, NDArray[np.intp]]
    odd: Mapping[str, NDArray[np.intp]]
    strange: Mapping[str, NDArray[np.intp]]


def check_duplicates(subject: Subject) -> Iterator[Finding]:
    """Report rows whose features and label, or all features but one, also occur in rows that came before.

    Notes
    -----
    Rows of few and coarse columns are alike by chance. How many of those rows would be like a row is estimated from the
    shares of its values, corrected for columns that follow from each other: it is a warning where that is next to
    nothing for 0.5 % of a split or more, or small for many rows. The first 100 columns are left out in turn.
    """
    if "train" not in subject.features or len(subject.features) < 2:
        return
    places = _places(subject)
    features = pa.concat_tables(list(subject.features.values()), promote_options="permissive")
    labels = pa.chunked_array([pa.array(subject.y[name]) for name in subject.features])
    same = hash_rows(features.append_column(pa.field("\0label", pa.int64()), labels))
    hits = _judged(same, _found_before(same.whole, places), places)
    if hits.all:
        yield _same(subject, hits)
    near = _near(hash_rows(features, is_rough=True), places, known=hits.all)
    if near:
        yield _alike(subject, near)


def _places(subject: Subject) -> dict[str, NDArray[np.intp]]:
    """Return the positions of each split in its rows put one after the other."""
    places, start = {}, 0
    for name, table in subject.features.items():
        places[name] = np.arange(start, start + table.num_rows)
        start += table.num_rows
    return places


def _found_before(hashes: NDArray[np.uint64], places: Places) -> dict[str, NDArray[np.intp]]:
    """Return the positions, within their split, of rows whose hash a row that came before has."""
    found = {}
    for name, at in places.items():
        if name != "train":
            # `np.isin` takes ten times longer on hashes.
            is_there = pc.is_in(pa.array(hashes[at]), value_set=pa.array(hashes[_before(name, places)]))
            found[name] = np.flatnonzero(is_there.to_numpy(zero_copy_only=False))
    return _some(found)


def _before(name: str, places: Places) -> NDArray[np.intp]:
    """Return the positions of the rows among which those of a split are looked for."""
    if name != "test":
        return places["train"]
    return np.concatenate([at for other, at in places.items() if other != "test"])


def _some(found: Mapping[str, NDArray[np.intp]]) -> dict[str, NDArray[np.intp]]:
    """Leave out splits without rows."""
    return {name: rows for name, rows in found.items() if len(rows)}


def _judged(
    hashed: HashedRows, found: Mapping[str, NDArray[np.intp]], places: Places, *, without: int | None = None
) -> _Hits:
    """Tell rows that are too particular to be alike by chance from the others."""
    odd, strange = {}, {}
    n_before = {name: len(_before(name, places)) for name in found}
    for name, rows in found.items():
        bits = hashed.bits(places[name][rows])
        if without is not None:
            bits[without] = 0.0
        expected = n_before[name] * 2.0 ** -bits.sum(axis=0)
        # The more columns are left out in turn, the more often chance has a go.
        least = NO_CHANCE if without is None else NO_CHANCE / len(bits)
        odd[name], strange[name] = rows[expected < BY_CHANCE], rows[expected < least]
    return _Hits(all=found, odd=_some(odd), strange=_some(strange))


def _near(rough: HashedRows, places: Places, *, known: Mapping[str, NDArray[np.intp]]) -> dict[str, _Hits]:
    """Return, by column, the rows that are like some row before but for that column."""
    near = {}
    for position, column in enumerate(rough.table.column_names[:MOST_LEFT_OUT]):
        found = _found_before(rough.whole - rough.part(position), places)
        fresh = {name: np.setdiff1d(rows, known.get(name, [])).astype(np.intp) for name, rows in found.items()}
        hits = _judged(rough, _some(fresh), places, without=position)
        if hits.strange:
            near[column] = hits
    return near


def _same(subject: Subject, hits: _Hits) -> Finding:
    """Return the finding about rows that came before."""
    shown, severity = hits.strange, _severity(subject, hits.strange)
    if _share(subject, hits.odd) >= SOME:
        shown, severity = hits.odd, "severe" if _share(subject, hits.strange) >= MANY else "warning"
    elif not hits.strange:
        shown = hits.all
    is_by_chance = severity == "info" and not hits.strange
    advice = "if they are the same case, remove them or split by split.group_column"
    return Finding(
        check="duplicates",
        severity=severity,
        message=f"rows that also stand in another split, features and label alike: {_counts(subject, shown)}",
        count=sum(len(rows) for rows in shown.values()),
        advice=f"the columns may be too coarse to tell cases apart; {advice}" if is_by_chance else advice,
        rows=_numbered(subject, shown),
    )


def _severity(subject: Subject, strange: Mapping[str, NDArray[np.intp]]) -> str:
    """Return how bad rows are that would not be alike by chance: a handful of thousands cannot move a score."""
    return "warning" if _share(subject, strange) >= FEW else "info"


def _share(subject: Subject, found: Mapping[str, NDArray[np.intp]]) -> float:
    """Return the largest share of a split that was found."""
    return max((len(rows) / subject.features[name].num_rows for name, rows in found.items()), default=0.0)


def _alike(subject: Subject, near: Mapping[str, _Hits]) -> Finding:
    """Return the finding about rows that differ from one before in a single column."""
    counts = {column: sum(len(rows) for rows in hits.strange.values()) for column, hits in near.items()}
    ranked = sorted(counts, key=lambda column: -counts[column])
    rows: dict[str, NDArray[np.intp]] = {}
    for hits in near.values():
        for name, found in hits.strange.items():
            rows[name] = np.union1d(rows.get(name, []), found).astype(np.intp)
    return Finding(
        check="near_duplicates",
        severity=_severity(subject, rows),
        message=f"rows that differ from one in another split in a single column ({listed(ranked[:3])}): "
        f"{_counts(subject, rows)}",
        columns=tuple(ranked[:MOST_SHOWN]),
        count=sum(len(found) for found in rows.values()),
        advice="if they are one case seen twice, split by split.group_column",
        rows=_numbered(subject, rows),
    )


def _counts(subject: Subject, found: Mapping[str, NDArray[np.intp]]) -> str:
    """Return how many rows of each split were found, and of how many looked at."""
    text = ", ".join(f"{len(rows):,} of {subject.features[name].num_rows:,} in {name}" for name, rows in found.items())
    return f"{text}{subject.sample_note}"


def _numbered(subject: Subject, found: Mapping[str, NDArray[np.intp]]) -> dict[str, tuple[int, ...]]:
    """Return the first rows found, counted from 1 as in the split's file; none of a sample."""
    return {
        name: tuple(int(row) + 1 for row in rows[:MOST_SHOWN]) for name, rows in found.items() if subject.is_whole(name)
    }
