"""The first pass over the rows: the few columns that decide which split each goes to, as small arrays.

Twenty million rows take some hundred megabytes this way; the rows themselves pass by later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.commands.split.agreement import Seen
from mltrain.commands.split.sources import Sources
from mltrain.config import Config
from mltrain.data import Target
from mltrain.data.locations import NO_ROWS_HINT
from mltrain.data.numbering import among
from mltrain.data.target import encode_target, make_target, unlabelled
from mltrain.data.text import group_codes, is_bytes, is_missing, is_text
from mltrain.data.weights import row_weights
from mltrain.errors import DataError
from mltrain.splitting.chronology import Moments, check_cut_offs, check_moments, moments_where_known
from mltrain.splitting.keys import Hashes, check_unique, hash_keys, hash_where_known

ClassCodes = NDArray[np.uint16]
Number = TypeVar("Number", np.int64, np.uint64)
_FEW_VALUES = 2**15
_NARROW = pa.int32()


@dataclass(frozen=True, kw_only=True, slots=True)
class Deciding:
    """What decides where rows go; arrays hold the labelled rows of the source, in order.

    Attributes
    ----------
    labelled, test_labelled : ndarray of shape (n_rows,) and (n_test_rows,)
        Which rows of the source and of the test source have a label.
    y, y_test : ndarray of class codes
        Of the labelled rows of each.
    keys : ndarray, optional
        Hashes of ``split.key_column``.
    hashes : ndarray, optional
        Hashes of what a ``hash`` split goes by.
    groups, test_groups : ndarray, optional
        Numbers of groups; rows of both sources that are of one group have the same.
    n_without_group : int
        Labelled rows that are in no group.
    seen : Seen
        The columns that decided, in the rows of both sources.
    """

    target: Target
    labelled: NDArray[np.bool_]
    y: ClassCodes
    test_labelled: NDArray[np.bool_]
    y_test: ClassCodes
    groups: NDArray[np.int32] | None
    test_groups: NDArray[np.int32] | None
    moments: Moments | None
    keys: Hashes | None
    hashes: Hashes | None
    n_without_group: int
    seen: Seen

    @property
    def n_unlabelled(self) -> int:
        """Rows of both sources that have no label."""
        return sum(int(np.count_nonzero(~labelled)) for labelled in (self.labelled, self.test_labelled))


@dataclass(kw_only=True, slots=True)
class _Collected:
    """What batches left behind."""

    labelled: list[NDArray[np.bool_]] = field(default_factory=list)
    labels: list[pa.Array] = field(default_factory=list)
    groups: list[pa.Array] = field(default_factory=list)
    moments: list[Moments] = field(default_factory=list)
    keys: list[Hashes] = field(default_factory=list)
    hashes: list[Hashes] = field(default_factory=list)


def read_deciding(sources: Sources, config: Config) -> Deciding:
    """Read the target and the columns that the split section names.

    Raises
    ------
    mltrain.errors.DataError
        There are no rows, no classes to learn, a time, a key or a weight is missing or wrong, or a key is repeated.
    mltrain.errors.ConfigError
        A cut-off date cannot cut the time column.
    """
    split, name = config.split, str(config.data.target)
    time_kind = sources.schema.field(split.time_column).type if split.time_column and _is_timed(config) else None
    check_cut_offs(split, time_kind)
    seen = Seen(pa.schema([sources.schema.field(column) for column in _columns(config)]))
    found, labels = _collect(sources, config, seen=seen), sources.schema.field(name).type
    if not found.labelled:
        raise DataError("there are no rows", where=sources.origin, hint=NO_ROWS_HINT)
    column = _labels(found.labels, labels)
    target = make_target(column, name, positive=config.data.positive_class, origin=config.data.source)
    labelled = np.concatenate(found.labelled)
    y = _encoded(target, column, labelled)
    del column
    found.labels.clear()  # four bytes a row, which the groups need now
    tested = _collect_test(sources, config, seen=seen)
    groups = _widened(found.groups + tested.groups, sources.schema, split.group_column) if split.group_column else None
    codes = None if groups is None else group_codes(groups)
    n_without_group = 0 if groups is None else int(is_missing(groups).sum())
    del groups
    found.groups.clear()
    pa.default_memory_pool().release_unused()
    moments = _joined(found.moments) if found.moments else None
    if moments is not None:
        check_moments(moments, where=f"column {split.time_column!r}", number=among(labelled))
    keys = _joined(found.keys) if found.keys else None
    test_labelled = np.concatenate(tested.labelled) if tested.labelled else np.empty(0, dtype=np.bool_)
    if keys is not None:
        check_unique(keys, where="split.key_column")
    return Deciding(
        target=target,
        labelled=labelled,
        y=y,
        test_labelled=test_labelled,
        y_test=_encoded(target, _labels(tested.labels, labels), test_labelled),
        groups=None if codes is None else codes[: len(y)],
        test_groups=codes[len(y) :] if codes is not None and tested.groups else None,
        moments=moments,
        keys=keys,
        hashes=_joined(found.hashes) if found.hashes else keys,
        n_without_group=n_without_group,
        seen=seen,
    )


def _is_timed(config: Config) -> bool:
    """Say whether the order in time decides."""
    return config.split.kind in ("time", "group_time")


def _columns(config: Config) -> list[str]:
    """Return the columns that decide."""
    split = config.split
    time = split.time_column if _is_timed(config) else None
    named = (config.data.target, split.group_column, time, split.key_column, config.data.weight_column)
    return list(dict.fromkeys(name for name in named if name is not None))


def _collect(sources: Sources, config: Config, *, seen: Seen) -> _Collected:
    """Read the deciding columns batch after batch."""
    split, target, seed, found = config.split, str(config.data.target), config.seed, _Collected()
    by_group = split.kind == "hash" and split.group_column is not None
    weight, n_before = config.data.weight_column, 0
    for batch in sources.batches(_columns(config)):
        seen.add(batch)
        labels = _labels(_compact(pa.chunked_array([batch.column(target)])), batch.schema.field(target).type)
        has_label = ~unlabelled(labels)
        found.labelled.append(has_label)
        rows = pa.table(batch)
        if not has_label.all():
            rows, labels = (part.filter(pa.array(has_label)) for part in (rows, labels))
        found.labels += labels.chunks
        if split.group_column:
            found.groups += _brief(rows.column(split.group_column), seed=seed)
        if split.time_column and _is_timed(config):
            where = f"column {split.time_column!r}"
            found.moments.append(moments_where_known(rows.column(split.time_column), where=where))
        if split.key_column:
            found.keys.append(hash_keys(rows.column(split.key_column), seed=seed, where="split.key_column"))
        if by_group:
            groups = rows.column(str(split.group_column))
            found.hashes.append(hash_keys(groups, seed=seed, where="split.group_column"))
        if weight is not None:
            row_weights(rows.column(weight), weight, number=among(has_label, before=n_before))
        n_before += batch.num_rows
    return found


def _collect_test(sources: Sources, config: Config, *, seen: Seen) -> _Collected:
    """Read the labels and groups of the test source, where there is one; its other columns are looked at alone."""
    target, group, found = str(config.data.target), config.split.group_column, _Collected()
    grouped = [group] if group is not None and group not in sources.lacking else []
    for batch in sources.test_batches(_columns(config)):
        seen.add(batch)
        has_label = ~unlabelled(pa.chunked_array([batch.column(target)]))
        found.labelled.append(has_label)
        rows = pa.table(batch.filter(pa.array(has_label)))
        found.labels += _compact(rows.column(target))
        found.groups += [chunk for name in grouped for chunk in _brief(rows.column(name), seed=config.seed)]
    if sources.test_rows is not None and not any(len(chunk) for chunk in found.labels):
        raise DataError("all labels are missing", where=f"{sources.test_origin}, column {target!r}")
    return found


def _compact(column: pa.ChunkedArray) -> list[pa.Array]:
    """Return a column as dictionary-encoded chunks, with numbers of two bytes where there are few values."""
    if pa.types.is_dictionary(column.type):
        chunks: list[pa.Array] = column.chunks
        return chunks
    return [
        _numbered(chunk, pa.int16()) if len(chunk.dictionary) <= _FEW_VALUES else chunk
        for chunk in column.dictionary_encode().chunks
    ]


def _labels(chunks: list[pa.Array], kind: pa.DataType) -> pa.ChunkedArray:
    """Return chunks of labels as one column."""
    if len({chunk.type for chunk in chunks}) > 1:
        chunks = [_numbered(chunk, pa.int32()) for chunk in chunks]
    return _whole(chunks, pa.dictionary(pa.int32(), kind))


def _numbered(chunk: pa.DictionaryArray, kind: pa.DataType) -> pa.DictionaryArray:
    """Return a dictionary-encoded chunk with numbers of another type."""
    return pa.DictionaryArray.from_arrays(chunk.indices.cast(kind), chunk.dictionary)


def _brief(column: pa.ChunkedArray, *, seed: int) -> list[pa.Array]:
    """Return the chunks of a column in few bytes a row: hashes of text, whole numbers in four bytes where they fit."""
    if is_text(column.type) or is_bytes(column.type):
        return hash_where_known(column, seed=seed)
    if not pa.types.is_integer(column.type) or column.type.bit_width <= _NARROW.bit_width:
        chunks: list[pa.Array] = column.chunks
        return chunks
    try:
        return column.cast(_NARROW).chunks  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        return column.chunks  # type: ignore[no-any-return]


def _widened(chunks: list[pa.Array], schema: pa.Schema, name: str) -> pa.ChunkedArray:
    """Return chunks as one column: of the narrow type if all are, of their own if some whole numbers are not."""
    kind = schema.field(name).type
    if len({chunk.type for chunk in chunks}) > 1:
        chunks = [chunk.cast(kind) for chunk in chunks]
    return _whole(chunks, kind)


def _joined(arrays: list[NDArray[Number]]) -> NDArray[Number]:
    """Return arrays as one, letting go of each as it is copied: twice all of them is more than splits may take."""
    joined, end = np.empty(sum(len(array) for array in arrays), dtype=arrays[0].dtype), 0
    for place, array in enumerate(arrays):
        joined[end : end + len(array)] = array
        end += len(array)
        arrays[place] = array[:0].copy()
    return joined


def _whole(chunks: list[pa.Array], kind: pa.DataType) -> pa.ChunkedArray:
    """Return chunks as one column, of their own type where there are some."""
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([], kind)


def _encoded(target: Target, column: pa.ChunkedArray, labelled: NDArray[np.bool_]) -> ClassCodes:
    """Return class codes of the labelled rows in the two bytes that the most classes need."""
    codes, start = np.empty(len(column), dtype=np.uint16), 0
    for chunk in column.chunks:
        number = among(labelled, first=start)
        codes[start : start + len(chunk)] = encode_target(target, pa.chunked_array([chunk]), number=number)
        start += len(chunk)
    return codes
