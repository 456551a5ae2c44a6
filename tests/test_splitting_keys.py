"""Keys of rows as hashes: even, seeded, unique."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.errors import DataError
from mltrain.splitting.keys import check_unique, hash_keys, hash_where_known


def column(values: object, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


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


@given(st.lists(st.integers(-(10**18) + 1, 10**18 - 1), min_size=1), st.integers(0, 2**31 - 1))
def test_a_whole_number_has_one_hash_whatever_type_holds_it(numbers: list[int], seed: int) -> None:
    exact_floats = [number for number in numbers if int(float(number)) == number]

    hashes = hash_keys(column(numbers), seed=seed, where="")
    of_texts = hash_keys(column([*map(str, numbers), "A7"]), seed=seed, where="")
    of_categories = hash_keys(column([str(number) for number in numbers]).dictionary_encode(), seed=seed, where="")
    of_floats = hash_keys(column([*map(float, exact_floats), 0.5]), seed=seed, where="")

    assert of_texts[:-1].tolist() == of_categories.tolist() == hashes.tolist()
    of_numbers = dict(zip(numbers, hashes.tolist(), strict=True))
    assert of_floats[:-1].tolist() == [of_numbers[number] for number in exact_floats]


@pytest.mark.parametrize(
    "kind", [pa.int64(), pa.uint64(), pa.int16(), pa.float64(), pa.float32(), pa.decimal128(19, 0), pa.large_string()]
)
def test_narrow_and_wide_types_give_a_key_the_same_hash(kind: pa.DataType) -> None:
    keys = column(range(1000))

    hashes = hash_keys(keys.cast(kind), seed=3, where="")

    assert hashes.tolist() == hash_keys(keys, seed=3, where="").tolist()


def test_large_numbers_are_apart_from_small_ones_and_the_same_in_all_types() -> None:
    numbers = [10**18, 2**63 - 1, 7]

    hashes = hash_keys(column(numbers), seed=0, where="")
    unsigned = hash_keys(column([*numbers, 2**64 - 1, 2**63 + 5], pa.uint64()), seed=0, where="")
    texts = hash_keys(column([*map(str, numbers), str(2**64 - 1), str(2**63 + 5)]), seed=0, where="")

    assert unsigned[:3].tolist() == hashes.tolist()
    assert unsigned.tolist() == texts.tolist()
    assert len(set(texts.tolist())) == 5


@pytest.mark.parametrize("text", ["007", "07", "00", "-0", "-07", "+7", "7.0", "7e0", " 7", "7 ", "", "7\n"])
def test_a_text_that_is_not_how_a_number_is_written_is_another_key(text: str) -> None:
    numbers = hash_keys(column([7, 0, -7, 70]), seed=0, where="")

    assert hash_keys(column([text]), seed=0, where="")[0] not in numbers


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.binary()]
)
def test_texts_become_hashes_of_eight_bytes_and_gaps_stay_gaps(kind: pa.DataType) -> None:
    texts = column(["kunde 1" * 40, None, "kunde 2" * 40, "kunde 1" * 40], kind)

    (hashes,) = hash_where_known(texts, seed=0)

    assert hashes.type == pa.uint64()
    first, missing, second, again = hashes.to_pylist()
    assert missing is None
    assert first == again != second


def test_bytes_that_are_no_text_have_hashes() -> None:
    keys = column([b"\xff\x00", b"\xff\x01"], pa.binary(2))

    assert len(set(hash_keys(keys, seed=0, where=""))) == 2
