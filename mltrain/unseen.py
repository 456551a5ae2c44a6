"""Levels of categories that a model does not know: what it knows, and how many rows hold others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import ColumnKind
from mltrain.model import Model
from mltrain.preprocessing import Encoder
from mltrain.preprocessing.features import Codes, Level


def known_levels(model: Model) -> dict[str, pa.Array]:
    """Return the levels that a model's encoders know, by categorical column."""
    found: dict[str, set[str]] = {
        column.name: set() for column in model.schema.features if column.kind is ColumnKind.CATEGORY
    }
    for encoder in model.encoders.values():
        for source, values in _levels_of(encoder):
            found.setdefault(source, set()).update(values)
    return {name: pa.array(sorted(values), pa.string()) for name, values in found.items() if values}


def count_unseen(conformed: pa.Table, levels: Mapping[str, pa.Array]) -> dict[str, int]:
    """Count the rows of each categorical column that hold a level the model does not know."""
    counts = {}
    for name, known in levels.items():
        counts[name] = sum(_n_unknown(chunk, known) for chunk in conformed.column(name).chunks)
    return counts


def _n_unknown(column: pa.DictionaryArray, known: pa.Array) -> int:
    """Return how many values are none of ``known``; levels are looked up once each, not once a row."""
    is_known = pc.is_in(column.dictionary, value_set=known).to_numpy(zero_copy_only=False)
    if is_known.all():
        return 0
    codes = column.indices.drop_null().to_numpy()
    return int((~is_known)[codes].sum())


def _levels_of(encoder: Encoder) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each source column with levels that a feature stands for."""
    for feature in encoder.features:
        if isinstance(feature, Codes):
            yield feature.source, (*feature.levels, *feature.pooled)
        elif isinstance(feature, Level):
            yield feature.source, feature.values
