"""Decide the features of an encoder from the rows that training may see."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mltrain.data import Column, ColumnKind, Schema
from mltrain.errors import DataError
from mltrain.models import ViewKind
from mltrain.preprocessing.categories import (
    codes_feature,
    count_levels,
    largest_variance,
    level_features,
    level_variance,
    make_book,
)
from mltrain.preprocessing.features import Encoder, Feature, Missing, Part
from mltrain.preprocessing.naming import unique_names
from mltrain.preprocessing.numbers import fit_number, variance
from mltrain.preprocessing.reading import read_category, read_number

logger = logging.getLogger(__name__)

_WIDEST = 2048
_DATE_PARTS: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour", "days")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A feature that may be kept, and its variance after scaling to [0, 1]."""

    feature: Feature
    variance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Room:
    """How many levels one category may keep, and how many rows each of them needs."""

    most: int
    least_rows: int = 1


def fit_encoder(
    kind: ViewKind,
    table: pa.Table,
    *,
    schema: Schema,
    min_variance: float | None,
    max_categories: int,
    date_parts: bool,
) -> Encoder:
    """Return the encoder of one view.

    Parameters
    ----------
    table : pyarrow.Table
        Conformed rows that training may see.
    min_variance : float, optional
        Features whose variance (after scaling to [0, 1]) is not above this are left out, unless all would be; None
        keeps all.
    max_categories : int
        Levels of a category that keep a place of their own, the most frequent ones.
    date_parts : bool
        Expand a date into year, month, day, weekday, hour (when any is not 0) and days since 1970; else days alone.

    Raises
    ------
    mltrain.errors.DataError
        The schema has no column to learn from.
    """
    if not schema.features:
        raise DataError("no column is left to learn from", hint="see data.columns, data.drop and data.id_columns")
    room = _room(kind, schema, n_samples=table.num_rows, max_categories=max_categories)
    candidates: list[_Candidate] = []
    for column in schema.features:
        if column.kind is ColumnKind.CATEGORY:
            candidates.extend(_category(kind, column.name, column=table[column.name], room=room))
        else:
            candidates.extend(_numbers(kind, column, table=table, date_parts=date_parts))
    return Encoder(kind=kind, features=_named(_vary(candidates, min_variance)))


def _room(kind: ViewKind, schema: Schema, *, n_samples: int, max_categories: int) -> _Room:
    """Bound the width of the one-hot view; codes need no more than ``max_categories``."""
    if kind != "one_hot":
        return _Room(most=max_categories)
    n_categories = sum(column.kind is ColumnKind.CATEGORY for column in schema.features)
    share = max(_WIDEST // max(n_categories, 1), 8)
    return _Room(most=min(max_categories, share, 256), least_rows=max(5, n_samples // 5000))


def _category(kind: ViewKind, source: str, *, column: pa.ChunkedArray, room: _Room) -> Iterator[_Candidate]:
    counted = count_levels(read_category(column))
    book = make_book(counted, most=room.most, least_rows=room.least_rows)
    if kind != "one_hot":
        codes = codes_feature(kind, source, book=book)
        yield _Candidate(feature=codes, variance=largest_variance(counted))
        return
    for level in level_features(source, book=book, n_missing=counted.n_missing):
        yield _Candidate(feature=level, variance=level_variance(level, counted))


def _numbers(kind: ViewKind, column: Column, *, table: pa.Table, date_parts: bool) -> Iterator[_Candidate]:
    parts: tuple[Part, ...] = ("value",)
    if column.kind is ColumnKind.DATE:
        parts = _DATE_PARTS if date_parts else ("days",)
    is_boolean = column.kind is ColumnKind.BOOLEAN
    for part in parts:
        values = read_number(table[column.name], part)
        if part == "hour" and not np.any(values > 0):
            continue
        number = fit_number(kind, values, source=column.name, part=part, is_boolean=is_boolean)
        yield _Candidate(feature=number, variance=variance(values))
    if kind != "one_hot":
        return
    share = float(np.isnan(read_number(table[column.name], parts[-1])).mean()) if table.num_rows else 0.0
    if share > 0:
        missing = Missing(name=f"{column.name}_is_missing", source=column.name, part=parts[-1])
        yield _Candidate(feature=missing, variance=share * (1 - share))


def _vary(candidates: Sequence[_Candidate], min_variance: float | None) -> list[Feature]:
    """Leave out what does not vary enough; everything stays when nothing would."""
    features = [candidate.feature for candidate in candidates]
    if min_variance is None:
        return features
    kept = [candidate.feature for candidate in candidates if candidate.variance > min_variance]
    logger.info("%d of %d features vary enough", len(kept), len(features))
    return kept or features


def _named(features: Sequence[Feature]) -> tuple[Feature, ...]:
    names = unique_names(feature.name for feature in features)
    return tuple(replace(feature, name=name) for feature, name in zip(features, names, strict=True))
