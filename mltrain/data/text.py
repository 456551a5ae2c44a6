"""Numbers, truth values and labels written as text: told apart and parsed, column by column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^(?i:[+-]?inf|nan)$"
CODE = r"^[+-]?0\d"
A_FEW = 100
TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0")


def is_text(kind: pa.DataType) -> bool:
    """Say whether an Arrow type holds text, plain or dictionary-encoded."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Say whether an Arrow type holds bytes that need not be text, plain or dictionary-encoded."""
    if pa.types.is_dictionary(kind):
        return is_bytes(kind.value_type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without dictionary encoding; text becomes ``string`` or ``large_string``."""
    if pa.types.is_dictionary(column.type):
        return decoded(column.cast(column.type.value_type))
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column


def filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text without the white space around it, blanks as nulls."""
    stripped = pc.utf8_trim_whitespace(decoded(column))
    return pc.if_else(pc.equal(stripped, ""), pa.scalar(None, stripped.type), stripped)


def matches(column: pa.ChunkedArray, pattern: str) -> bool:
    """Say whether there are filled values and all of them match a pattern."""
    for part in (column.slice(0, A_FEW), column):  # the first few mostly tell
        values = filled(part)
        if not pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py():
            return False
    return bool(values.null_count < len(values))


def holds_numbers(column: pa.ChunkedArray) -> bool:
    """Say whether every filled text is a number; texts such as ``007`` are codes, not numbers."""
    if not matches(column, NUMBER):
        return False
    return not pc.any(pc.match_substring_regex(filled(column), CODE)).as_py()


def parse_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as float64, blanks as nulls.

    Raises
    ------
    pyarrow.ArrowInvalid
        A text is not a number.
    """
    # Arrow reads no leading plus sign.
    return pc.replace_substring_regex(filled(column), r"^\+", "").cast(pa.float64())


def parse_booleans(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as booleans; blanks and unknown words become nulls."""
    words = pc.utf8_lower(filled(column)).cast(pa.string())
    is_true = pc.is_in(words, value_set=pa.array(TRUE_WORDS))
    known = pc.or_(is_true, pc.is_in(words, value_set=pa.array(FALSE_WORDS)))
    return pc.if_else(known, is_true, pa.scalar(None, pa.bool_()))


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return any scalar column as text, so that 1, 1.0 and "1" are written alike; NaN becomes null."""
    values = decoded(column)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        return _whole_as_integers(values)
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _whole_as_integers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return floats as text, whole ones up to 2**53 without fraction or exponent."""
    is_whole = pc.and_(pc.equal(values, pc.round(values)), pc.less_equal(pc.abs(values), 2.0**53))
    whole = pc.if_else(is_whole, values, pa.scalar(0, values.type)).cast(pa.int64())
    return pc.if_else(is_whole, whole.cast(pa.string()), values.cast(pa.string()))


def group_codes(groups: pa.ChunkedArray) -> NDArray[np.int32]:
    """Return a number from 0 for each row's group, shape (n_samples,); each row without one is its own."""
    values = decoded(groups)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    encoded = values.dictionary_encode()
    codes = np.empty(len(values), dtype=np.int32)
    n_groups = max((len(chunk.dictionary) for chunk in encoded.chunks), default=0)
    start = 0
    for chunk in encoded.chunks:  # chunk by chunk: all rows at once would be copied twice
        codes[start : start + len(chunk)] = pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False)
        start += len(chunk)
    alone = np.flatnonzero(codes < 0)
    codes[alone] = n_groups + np.arange(len(alone), dtype=np.int32)
    return codes


def is_missing(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a column has no value: null, or NaN in a column of floats; shape (n_samples,)."""
    missing = pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
    return np.asarray(missing.to_numpy(), dtype=np.bool_)
