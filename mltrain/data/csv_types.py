"""The types of CSV files too large to be read at once: what Arrow would infer from all rows, seen a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data.csv_format import CsvOptions, csv_blocks, csv_names
from mltrain.data.data_file import DataFile

TRUTH = ("1", "true", "True", "TRUE", "0", "false", "False", "FALSE")
TIME = r"^\s*([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?\s*$"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sort:
    """A type, and whether all of some texts can be read as it."""

    kind: pa.DataType
    fits: Callable[[pa.Array, CsvOptions], bool]


@dataclass(kw_only=True, slots=True)
class _Seen:
    """What a column may still be, in the order in which types are preferred; it is text where nothing is left."""

    sorts: Sequence[_Sort]
    is_empty: bool = True
    options: CsvOptions = field(repr=False)

    def look(self, texts: pa.Array) -> None:
        """Give up the types that these texts cannot be read as."""
        texts = texts.drop_null()
        if len(texts):
            self.is_empty = False
            self.sorts = [sort for sort in self.sorts if sort.fits(texts, self.options)]

    @property
    def kind(self) -> pa.DataType:
        """The type of the column."""
        if self.is_empty:
            return pa.null()
        return self.sorts[0].kind if self.sorts else pa.string()


def stored_types(file: DataFile, options: CsvOptions) -> pa.Schema:
    """Return the columns of a CSV file, in types that hold every value of it.

    Raises
    ------
    mltrain.errors.DataError
        It cannot be parsed; names the file and the row.
    """
    names = csv_names(file, options)
    seen = {name: _Seen(sorts=_SORTS, options=options) for name in names}
    texts: Mapping[str, pa.DataType] = dict.fromkeys(names, pa.string())
    for batch in csv_blocks(file, options, types=texts):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            seen[name].look(column)
    return pa.schema({name: found.kind for name, found in seen.items()})


def _castable(kind: pa.DataType, *, is_trimmed: bool = False) -> _Sort:
    """Return a type whose texts Arrow casts, as its CSV reader does; of some it forgives white space around them."""

    def fits(texts: pa.Array, options: CsvOptions) -> bool:
        del options
        return _casts(pc.utf8_trim_whitespace(texts) if is_trimmed else texts, kind)

    return _Sort(kind=kind, fits=fits)


def _casts(texts: pa.Array, kind: pa.DataType) -> bool:
    """Say whether all texts can be cast."""
    try:
        texts.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _are_truths(texts: pa.Array, options: CsvOptions) -> bool:
    """Say whether all texts are truth values."""
    del options
    return bool(pc.all(pc.is_in(texts, value_set=pa.array(TRUTH))).as_py())


def _are_times(texts: pa.Array, options: CsvOptions) -> bool:
    """Say whether all texts are times of day."""
    del options
    return bool(pc.all(pc.match_substring_regex(texts, TIME)).as_py())


def _are_reals(texts: pa.Array, options: CsvOptions) -> bool:
    """Say whether all texts are numbers with the decimal mark of the file."""
    mark = options.decimal_point
    if mark != ".":
        if pc.any(pc.match_substring(texts, ".")).as_py():
            return False
        texts = pc.replace_substring(texts, mark, ".")
    return _casts(pc.utf8_trim_whitespace(texts), pa.float64())


_SORTS = (
    _castable(pa.int64(), is_trimmed=True),
    _Sort(kind=pa.bool_(), fits=_are_truths),
    _castable(pa.date32(), is_trimmed=True),
    _Sort(kind=pa.time32("s"), fits=_are_times),
    _castable(pa.timestamp("s")),
    _castable(pa.timestamp("ns")),
    _castable(pa.timestamp("s", "UTC")),
    _castable(pa.timestamp("ns", "UTC")),
    _Sort(kind=pa.float64(), fits=_are_reals),
)
