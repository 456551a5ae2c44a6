"""What a column looked like in training: few numbers, kept with the model, that later rows are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import ColumnKind, Schema
from mltrain.data.floats import as_floats

FORMAT = 1
N_BINS = 10
MOST_LEVELS = 20
MOST_ROWS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberProfile:
    """Bins of a number or a date (in microseconds since 1970).

    Attributes
    ----------
    edges : tuple of float
        Upper ends, included, of all bins but the last: the deciles, each once.
    shares : tuple of float
        Of each bin, then of missing and infinite values.
    low, high : float
        Smallest and largest finite value; NaN where there is none.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelProfile:
    """The commonest levels of a category.

    Attributes
    ----------
    levels : tuple of str
    shares : tuple of float
        Of each level, then of all others, then of missing values.
    """

    levels: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What the features looked like in training, by name.

    Attributes
    ----------
    n_rows : int
        Rows that the shares were taken from.
    """

    n_rows: int
    columns: Mapping[str, NumberProfile | LevelProfile]


def fit_profile(table: pa.Table, schema: Schema) -> Profile:
    """Return the profile of conformed rows; shares and deciles of every n-th row where there are over 100,000.

    Parameters
    ----------
    table : pyarrow.Table
        Rows that training may see, conformed to ``schema``.
    """
    step = max(-(-table.num_rows // MOST_ROWS), 1)
    seen = table.take(pa.array(np.arange(0, table.num_rows, step))) if step > 1 else table
    columns: dict[str, NumberProfile | LevelProfile] = {}
    for column in schema.features:
        if column.kind in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN):
            columns[column.name] = _levels(seen.column(column.name))
        else:
            columns[column.name] = _numbers(seen.column(column.name), table.column(column.name))
    return Profile(n_rows=seen.num_rows, columns=columns)


def profile_to_dict(profile: Profile) -> dict[str, Any]:
    """Return a profile as JSON values."""
    columns = {name: _finite(asdict(column)) for name, column in profile.columns.items()}
    return {"format": FORMAT, "n_rows": profile.n_rows, "columns": columns}


def profile_from_dict(document: Mapping[str, Any]) -> Profile:
    """Return the profile that `profile_to_dict` wrote.

    Raises
    ------
    ValueError
        It is no profile, or of another format.
    """
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"profile of format {document['format']!r}, not {FORMAT}")
        columns = {name: _column(entry) for name, entry in document["columns"].items()}
        return Profile(n_rows=int(document["n_rows"]), columns=columns)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a profile: {error!r}") from error


def _numbers(seen: pa.ChunkedArray, everything: pa.ChunkedArray) -> NumberProfile:
    """Return the deciles of a sample and the range of all rows; infinite values count as missing, as in fits."""
    values = as_floats(seen)
    present = values[~np.isnan(values)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, N_BINS + 1)[1:-1])) if len(present) else np.empty(0)
    counts = np.bincount(np.searchsorted(edges, present), minlength=len(edges) + 1)
    whole = as_floats(everything)
    return NumberProfile(
        edges=tuple(float(edge) for edge in edges),
        shares=_shares([*counts, len(values) - len(present)]),
        low=float(np.fmin.reduce(whole, initial=np.nan)),
        high=float(np.fmax.reduce(whole, initial=np.nan)),
    )


def _levels(seen: pa.ChunkedArray) -> LevelProfile:
    """Return the shares of the commonest levels; of equally common ones in sorted order."""
    texts = seen.cast(pa.string())
    counts = {item["values"]: item["counts"] for item in pc.value_counts(texts).to_pylist()}
    n_missing = counts.pop(None, 0)
    ranked = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_LEVELS]
    others = sum(counts.values()) - sum(counts[level] for level in ranked)
    return LevelProfile(levels=tuple(ranked), shares=_shares([*(counts[level] for level in ranked), others, n_missing]))


def _shares(counts: list[int]) -> tuple[float, ...]:
    total = max(sum(counts), 1)
    return tuple(float(count) / total for count in counts)


def _finite(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry whose NaN is null, which JSON has."""
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in entry.items()}


def _column(entry: Mapping[str, Any]) -> NumberProfile | LevelProfile:
    """Rebuild the profile of one column."""
    shares = tuple(float(share) for share in entry["shares"])
    if "levels" in entry:
        return LevelProfile(levels=tuple(str(level) for level in entry["levels"]), shares=shares)
    low, high = (float("nan") if entry[end] is None else float(entry[end]) for end in ("low", "high"))
    return NumberProfile(edges=tuple(float(edge) for edge in entry["edges"]), shares=shares, low=low, high=high)
