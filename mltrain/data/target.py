"""The column to predict: which classes there are, which is positive, and the code of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data import Label, Target
from mltrain.data.nearest import listed
from mltrain.data.numbering import RowNumber, from_one
from mltrain.data.text import as_text, decoded, is_text
from mltrain.errors import ConfigError, DataError

PREDICTION = "prediction"
MAX_CLASSES = 1000
MAX_FRACTIONS = 20
MANY_WHOLE_NUMBERS = 100
FEW_ROWS_EACH = 10
_ENOUGH_LABELS = 50_000  # nobody need count on to see that these are no classes


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelCounts:
    """The labels of a column and the rows of each, rows without a label left out.

    Attributes
    ----------
    labels : pyarrow.Array of shape (n_labels,)
        As they are stored; decimals and floats are float64.
    n_rows : ndarray of shape (n_labels,)
    """

    labels: pa.Array
    n_rows: NDArray[np.int64]

    def by_class(self) -> Counter[Label]:
        """Return the rows of each class: labels that are written differently and mean the same are one."""
        counts: Counter[Label] = Counter()
        for label, n in zip(self.labels.to_pylist(), self.n_rows.tolist(), strict=True):
            counts[_plain(label)] += n
        return counts


def count_labels(columns: Iterable[pa.ChunkedArray]) -> LabelCounts:
    """Return how many rows each label has, counted while they pass some at a time.

    Parameters
    ----------
    columns : iterable of pyarrow.ChunkedArray, at least one
        Text, booleans or numbers, plain or dictionary-encoded.
    """
    counted: pa.Table | None = None
    for column in columns:
        labels, n_rows = _counted(column)
        found = pa.table({"label": labels, "n": pa.array(n_rows, pa.int64())})
        both = found if counted is None else pa.concat_tables([counted, found])
        totals = both.group_by("label", use_threads=False).aggregate([("n", "sum")])
        counted = pa.table({"label": totals.column("label"), "n": totals.column("n_sum")})
        if counted.num_rows > _ENOUGH_LABELS:
            break
    assert counted is not None, "there is a column"
    return LabelCounts(labels=counted.column("label").combine_chunks(), n_rows=counted.column("n").to_numpy())


def make_target(
    column: pa.ChunkedArray, name: str, *, positive: Label | None = None, origin: str | None = None
) -> Target:
    """Return the classes of a column of shape (n_samples,); see `counted_target`.

    Raises
    ------
    mltrain.errors.MltrainError
        As `counted_target`.
    """
    check_target_type(column.type, name, origin=origin)
    return counted_target(count_labels([column]), name, positive=positive, origin=origin)


def counted_target(
    counts: LabelCounts, name: str, *, positive: Label | None = None, origin: str | None = None
) -> Target:
    """Return the classes of a column whose labels were counted.

    Parameters
    ----------
    name : str
        The column's name.
    positive : label, optional
        The positive of two classes, matched by its text; by default the rarer one.
    origin : str, optional
        What the user named, for messages.

    Raises
    ------
    mltrain.errors.DataError
        No labels, one class, too many, a quantity instead of classes, or no class like ``positive``.
    mltrain.errors.ConfigError
        ``positive`` is given for more than two classes.
    """
    _check_classes(counts.labels, _place(name, origin), counts.n_rows)
    by_class = counts.by_class()
    classes = tuple(sorted(by_class))
    if len(classes) == 2:
        chosen = _rarer(by_class) if positive is None else _find_positive(classes, name, positive)
        classes = (classes[0] if classes[1] == chosen else classes[1], chosen)
    elif positive is not None:
        raise ConfigError(
            f"a positive class needs two classes, but column {name!r} has {len(classes)}",
            where="data.positive_class",
            hint="leave data.positive_class out",
        )
    return Target(name=name, classes=classes)


def check_target_type(kind: pa.DataType, name: str, *, origin: str | None = None) -> None:
    """Refuse types that name no classes.

    Raises
    ------
    mltrain.errors.DataError
        It is such a type.
    """
    where, kind, types = _place(name, origin), _plain_type(kind), pa.types
    if types.is_null(kind):
        raise _no_labels(where)
    if not (is_text(kind) or types.is_boolean(kind) or types.is_integer(kind) or _is_real(kind)):
        raise DataError(
            f"a target of type {kind} names no classes",
            where=where,
            hint="use text, booleans or whole numbers",
        )


def encode_target(target: Target, column: pa.ChunkedArray, *, number: RowNumber = from_one) -> NDArray[np.int64]:
    """Return the class code of each row, shape (n_samples,); labels are matched by their text.

    Parameters
    ----------
    number : callable
        Tells which row of the user's table is meant, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A label is missing or is none of the classes.
    """
    missing = unlabelled(column)
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} rows have no label",
            where=f"column {target.name!r}, row {number(int(missing.argmax()))}",
            hint="fill or remove these rows",
        )
    known = pa.array([label_text(label) for label in target.classes])
    codes = np.empty(len(column), dtype=np.int64)
    start = 0
    # The labels of a column are few and its rows many: only the former are written as text and looked up.
    for chunk in (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).chunks:
        found = pc.index_in(as_text(pa.chunked_array([chunk.dictionary])), value_set=known)
        lookup = np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)
        codes[start : start + len(chunk)] = lookup[chunk.indices.to_numpy(zero_copy_only=False)]
        start += len(chunk)
    if len(codes) and codes.min() < 0:
        row = int((codes < 0).argmax())
        raise DataError(
            f"label {as_text(column.slice(row, 1))[0].as_py()!r} is not a class of this target",
            where=f"column {target.name!r}, row {number(row)}",
            hint=f"the classes are {listed([label_text(label) for label in target.classes])}",
        )
    return codes


def unlabelled(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a label is null, NaN or blank text; shape (n_samples,)."""
    if not is_text(column.type):
        return np.asarray(pc.is_null(column, nan_is_null=pa.types.is_floating(column.type)).to_numpy(), dtype=np.bool_)
    found = [np.empty(0, dtype=np.bool_)]
    # Labels are few and rows are many: only the former are looked at for blanks.
    for chunk in (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).chunks:
        levels = pc.utf8_trim_whitespace(decoded(pa.chunked_array([chunk.dictionary])))
        blank = np.append(pc.fill_null(pc.equal(levels, ""), fill_value=True).to_numpy(), True)
        found.append(blank[pc.fill_null(chunk.indices.cast(pa.int64()), len(levels)).to_numpy()])
    return np.concatenate(found)


def label_text(label: Label) -> str:
    """Return a label as it is written in tables and messages.

    Examples
    --------
    >>> label_text(True), label_text(2), label_text("2")
    ('true', '2', '2')
    """
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(as_text(pa.chunked_array([[label]]))[0].as_py())


def proba_names(target: Target) -> tuple[str, ...]:
    """Return the names of the probability columns, in the order of the class codes.

    Examples
    --------
    >>> proba_names(Target(name="churned", classes=("no", "yes")))
    ('proba_no', 'proba_yes')
    """
    return tuple(f"proba_{label_text(label)}" for label in target.classes)


def _place(name: str, origin: str | None) -> str:
    """Return where a column stands, for messages."""
    return f"column {name!r}" if origin is None else f"{origin}, column {name!r}"


def _no_labels(where: str) -> DataError:
    """Return the error for a column that holds nothing."""
    return DataError("all labels are missing", where=where, hint="fill it, or name another column in data.target")


def _is_real(kind: pa.DataType) -> bool:
    """Say whether a type holds numbers with a fraction."""
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values, without dictionary encoding."""
    return _plain_type(kind.value_type) if pa.types.is_dictionary(kind) else kind


def _counted(column: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the labels that are there, decimals and floats as float64, and the rows of each."""
    if pa.types.is_dictionary(column.type):
        chunks = column.unify_dictionaries().chunks
        values = decoded(pa.chunked_array([chunks[0].dictionary])) if chunks else pa.chunked_array([], column.type)
        counts = np.zeros(len(values), dtype=np.int64)
        for chunk in chunks:
            counts += np.bincount(chunk.indices.drop_null().to_numpy(), minlength=len(values))
    else:
        found = pc.value_counts(decoded(column))
        values, counts = pa.chunked_array([found.field("values")]), found.field("counts").to_numpy()
    there = ~unlabelled(values) & (counts > 0)
    labels = values.filter(pa.array(there)).combine_chunks()
    return (labels.cast(pa.float64()) if _is_real(labels.type) else labels), counts[there]


def _plain(label: Label) -> Label:
    """Return whole floats as integers: class codes that a missing value turned into floats."""
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _check_classes(labels: pa.Array, where: str, counts: NDArray[np.int64]) -> None:
    """Refuse columns that have no classes to learn."""
    n, k = int(counts.sum()), len(labels)
    if k == 0:
        raise _no_labels(where)
    if k == 1:
        only = label_text(_plain(labels[0].as_py()))
        raise DataError(f"all {n} rows have the same class, {only!r}", where=where, hint="two classes are needed")
    is_real = pa.types.is_floating(labels.type)
    fractions = is_real and not pc.all(pc.equal(labels, pc.round(labels))).as_py()
    whole = pa.types.is_integer(labels.type) or is_real
    if (fractions and k > MAX_FRACTIONS) or (whole and k > MANY_WHOLE_NUMBERS and n < FEW_ROWS_EACH * k):
        raise DataError(
            f"the target is a number with {k} values: mltrain classifies",
            where=where,
            hint="cut it into classes first",
        )
    if k > MAX_CLASSES or k > max(MAX_FRACTIONS, n / 2):
        raise DataError(
            f"{k} classes among {n} rows are too many",
            where=where,
            hint=f"at most {MAX_CLASSES}, two rows each or more",
        )


def _rarer(counts: Mapping[Label, int]) -> Label:
    """Return the class with fewer rows; of two equal ones the later in order."""
    first, second = sorted(counts)
    return first if counts[first] < counts[second] else second


def _find_positive(classes: tuple[Label, ...], name: str, positive: Label) -> Label:
    """Return the class whose text is the given one, whatever its case where that is unambiguous."""
    wanted = label_text(_plain(positive))
    exact = [label for label in classes if label_text(label) == wanted]
    folded = [label for label in classes if label_text(label).casefold() == wanted.casefold()]
    for found in (exact, folded):
        if len(found) == 1:
            return found[0]
    raise DataError(
        f"{wanted!r} is not a class of column {name!r}",
        where="data.positive_class",
        hint=f"the classes are {listed([label_text(label) for label in classes])}",
    )
