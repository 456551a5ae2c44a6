"""Keys of rows as hashes: even, seeded, unique."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mltrain.errors import DataError
from mltrain.splitting.keys import check_unique, hash_keys


def column(values: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def test_a_repeated_key_is_refused() -> None:
    keys = column(["a", "b", "a"] * 10)

    with pytest.raises(DataError, match="28 keys occur more than once") as caught:
        check_unique(hash_keys(keys, seed=0, where="split.key_column"), where="split.key_column")

    assert caught.value.where == "split.key_column"


def test_a_missing_key_is_refused() -> None:
    with pytest.raises(DataError, match="a key is missing"):
        hash_keys(column(["a", None]), seed=0, where="split.key_column")


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint32(), pa.string(), pa.float64()])
def test_hashes_of_keys_are_even_and_depend_on_the_seed(kind: pa.DataType) -> None:
    keys = pa.chunked_array([pa.array(range(10_000)).cast(kind)])

    first, other = (hash_keys(keys, seed=seed, where="") for seed in (0, 1))

    assert len(np.unique(first)) == 10_000
    assert np.bincount((first >> np.uint64(60)).astype(int), minlength=16) == pytest.approx(10_000 / 16, rel=0.2)
    assert np.mean((first < 2**63) == (other < 2**63)) == pytest.approx(0.5, abs=0.03)
