"""Rows told apart by a key, so that where they stand in a file makes no difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data.text import as_text, decoded, is_bytes, is_missing
from mltrain.errors import DataError

Hashes = NDArray[np.uint64]
GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1
_WHOLE = r"^(?:0|-?[1-9][0-9]{0,17})$"
_BEYOND = 10**18
_LONGEST = len(str(1 - _BEYOND))


def hash_keys(keys: pa.ChunkedArray, *, seed: int, where: str) -> Hashes:
    """Return a 64-bit hash of each key, even over all numbers; shape (n_samples,).

    Parameters
    ----------
    where : str
        Key path of the config, for messages.

    Raises
    ------
    mltrain.errors.DataError
        A key is missing.

    Notes
    -----
    A column of numbers becomes one of text when a first "A7" is appended, or one of floats with a first gap: a key has
    the same hash in all three. Whole numbers of up to 18 digits are mixed as they are (Steele, Lea and Flood, 2014,
    doi:10.1145/2660193.2660195), whatever type holds them, since a text of each would take ten times longer; all else,
    such as "007", is hashed as text by SipHash, as pandas has it.
    """
    if is_missing(keys).any():
        raise DataError("a key is missing", where=where, hint="name a column that is always filled")
    return _hashed(decoded(keys), seed=seed)


def hash_where_known(texts: pa.ChunkedArray, *, seed: int) -> list[pa.Array]:
    """Return a hash of eight bytes for each text or binary value, however long, and null where there is none.

    Values of a dictionary are hashed once each.
    """
    return [_hashed_chunk(chunk, seed=seed) for chunk in texts.chunks]


def _hashed_chunk(chunk: pa.Array, *, seed: int) -> pa.Array:
    """Return hashes of one chunk."""
    if pa.types.is_dictionary(chunk.type):
        return _hashed_chunk(chunk.dictionary, seed=seed).take(chunk.indices)
    values = decoded(pa.chunked_array([chunk]))
    if not values.null_count:
        return pa.array(_hashed(values, seed=seed))
    missing = is_missing(values)
    spread = np.zeros(len(values), dtype=np.uint64)
    spread[~missing] = _hashed(values.drop_null(), seed=seed)
    return pa.array(spread, mask=missing)


def _hashed(values: pa.ChunkedArray, *, seed: int) -> Hashes:
    """Return a hash of each value, none of which is missing."""
    if is_bytes(values.type):
        return _scattered(values, seed=seed)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        values = as_text(values)
    whole = _is_whole(values)
    if whole.all():
        return mixed(_numbers(values), seed=seed)
    hashes = np.empty(len(values), dtype=np.uint64)
    hashes[whole] = mixed(_numbers(values.filter(pa.array(whole))), seed=seed)
    hashes[~whole] = _scattered(as_text(values.filter(pa.array(~whole))), seed=seed)
    return hashes


def _scattered(texts: pa.ChunkedArray, *, seed: int) -> Hashes:
    """Return what SipHash makes of text or bytes."""
    return np.asarray(pd.util.hash_array(texts.to_numpy(), hash_key=f"{seed:016d}", categorize=False))


def _is_whole(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where numbers, or texts that write them in the one usual way, are whole and have up to 18 digits."""
    if pa.types.is_floating(values.type):
        numbers = values.to_numpy()
        return np.asarray((numbers == np.round(numbers)) & (np.abs(numbers) < _BEYOND))
    if pa.types.is_integer(values.type):
        numbers = values.to_numpy().astype(np.int64)  # of unsigned ones, those from 2**63 on become negative
        smallest = -1 if pa.types.is_unsigned_integer(values.type) else -_BEYOND
        return np.asarray((numbers > smallest) & (numbers < _BEYOND))
    whole: NDArray[np.bool_] = pc.binary_length(values).to_numpy() <= _LONGEST
    if whole.any():  # of long ids none is, and matching takes longer than to see that
        whole = np.asarray(pc.match_substring_regex(values, _WHOLE).to_numpy())
    return whole


def _numbers(whole: pa.ChunkedArray) -> Hashes:
    """Return whole numbers as 64 bits."""
    return np.asarray(whole.cast(pa.int64()).to_numpy().view(np.uint64))


def mixed(numbers: Hashes, *, seed: int) -> Hashes:
    """Return numbers scattered over all 64-bit numbers, no two on the same (SplitMix64)."""
    offset = np.uint64((seed + 1) * GOLDEN & _MASK)
    numbers = numbers * np.uint64(GOLDEN) + offset
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def check_unique(hashes: Hashes, *, where: str) -> None:
    """Refuse keys that occur twice.

    Raises
    ------
    mltrain.errors.DataError
        They do.
    """
    ordered = np.sort(hashes)
    n_repeated = int(np.count_nonzero(ordered[1:] == ordered[:-1]))
    if n_repeated:
        raise DataError(
            f"{n_repeated} keys occur more than once",
            where=where,
            hint="name a column that identifies a row; a customer belongs in split.group_column",
        )
