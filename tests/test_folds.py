"""Folds of cross-validation: each row validated once, every class trained on, groups and time respected."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mltrain.errors import DataError
from mltrain.splitting import make_folds

labels = arrays(np.int64, st.integers(30, 200), elements=st.integers(0, 3))
seeds = st.integers(0, 2**31 - 1)


def column(values: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


@given(y=labels, seed=seeds, n_folds=st.integers(2, 6))
def test_stratified_folds_validate_each_row_once_and_train_on_every_class(y: NDArray, seed: int, n_folds: int) -> None:
    folds = make_folds(y, kind="stratified", n_folds=n_folds, seed=seed)

    validated = np.sort(np.concatenate([valid for _, valid in folds]))
    counts = np.bincount(y)
    assert np.array_equal(validated, np.flatnonzero(counts[y] > 1))
    for train, valid in folds:
        assert np.array_equal(np.sort(np.concatenate([train, valid])), np.arange(len(y)))
        assert set(y[train]) == set(y)
        found = np.bincount(y[valid], minlength=len(counts))
        assert np.all(found[counts > 1] <= np.ceil(counts[counts > 1] / n_folds))


@pytest.mark.parametrize("kind", ["stratified", "random"])
def test_every_repeat_deals_all_rows_anew_and_leaves_those_before_it_alone(kind: str) -> None:
    y = np.arange(40) % 2

    once, thrice = (make_folds(y, kind=kind, n_folds=4, seed=3, n_repeats=n) for n in (1, 3))

    assert len(thrice) == 12
    for (_, valid), (_, same) in zip(once, thrice, strict=False):
        np.testing.assert_array_equal(valid, same)
    dealt = [tuple(valid) for _, valid in thrice]
    assert len(set(dealt)) == 12
    for repeat in range(3):
        np.testing.assert_array_equal(np.sort(np.concatenate(dealt[4 * repeat : 4 * repeat + 4])), np.arange(40))


def test_grouped_folds_and_folds_in_time_are_never_dealt_again() -> None:
    y, at = np.arange(24) % 2, pa.chunked_array([np.arange(24)])

    assert len(make_folds(y, kind="group", n_folds=3, seed=0, n_repeats=2, groups=at)) == 3
    assert len(make_folds(y, kind="time", n_folds=3, seed=0, n_repeats=2, times=at)) == 3


def test_grouped_folds_keep_groups_whole_and_are_as_many_as_groups_allow() -> None:
    groups = np.repeat(np.arange(3), 20)
    y = np.arange(60) % 2

    folds = make_folds(y, kind="group", n_folds=5, seed=0, groups=column(groups))

    assert len(folds) == 3
    for train, valid in folds:
        assert not set(groups[train]) & set(groups[valid])


def test_folds_in_time_train_on_what_precedes() -> None:
    times = np.random.default_rng(0).permutation(60)
    y = times % 2

    folds = make_folds(y, kind="time", n_folds=5, seed=0, times=column(times))

    assert [(len(train), len(valid)) for train, valid in folds] == [(10, 10), (20, 10), (30, 10), (40, 10), (50, 10)]
    assert all(times[train].max() < times[valid].min() for train, valid in folds)


@settings(max_examples=30)
@given(seed=seeds)
def test_folds_by_group_and_time_do_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(30, size=200)
    times = groups + rng.integers(5, size=200)

    folds = make_folds(
        np.arange(200) % 2, kind="group_time", n_folds=4, seed=0, groups=column(groups), times=column(times)
    )

    for train, valid in folds:
        assert times[train].max() < times[valid].min()
        assert not set(groups[train]) & set(groups[valid])


def test_folds_that_would_train_without_a_class_are_left_out() -> None:
    y = np.array([0] * 30 + [0, 1] * 15)

    folds = make_folds(y, kind="time", n_folds=5, seed=0, times=column(range(60)))

    assert len(folds) == 2
    assert all(set(y[train]) == {0, 1} for train, _ in folds)


def test_no_usable_fold_is_a_data_error() -> None:
    with pytest.raises(DataError, match="cannot be cross-validated by group"):
        make_folds(np.arange(10) % 2, kind="group", n_folds=5, seed=0, groups=column(["a"] * 10))


@given(y=labels, rare=st.integers(1, 6), seed=seeds, n_folds=st.integers(2, 6))
def test_a_rare_class_is_always_trained_on_and_no_fold_is_lost_for_it(
    y: NDArray, rare: int, seed: int, n_folds: int
) -> None:
    y = np.concatenate([y % 2, np.full(rare, 2)])

    for kind in ("stratified", "random"):
        folds = make_folds(y, kind=kind, n_folds=n_folds, seed=seed)

        assert len(folds) == n_folds
        assert all(set(y[train]) == set(y) for train, _ in folds)
        validated = np.sort(np.concatenate([valid for _, valid in folds]))
        left_out = np.setdiff1d(np.arange(len(y)), validated)
        assert len(np.unique(validated)) == len(validated)
        if kind == "stratified":
            assert np.array_equal(left_out, np.flatnonzero(np.bincount(y)[y] == 1))
        else:  # all rows of a class may fall into one fold: then they only train
            assert all(set(np.flatnonzero(y == code)) <= set(left_out) for code in set(y[left_out]))


def test_a_group_that_holds_a_class_alone_always_trains() -> None:
    groups = np.repeat(np.arange(10), 10)
    y = np.where(groups == 3, 2, np.arange(100) % 2)

    folds = make_folds(y, kind="group", n_folds=5, seed=0, groups=column(groups))

    assert len(folds) == 5
    assert all(set(np.flatnonzero(groups == 3)) <= set(train) for train, _ in folds)
    validated = np.sort(np.concatenate([valid for _, valid in folds]))
    assert np.array_equal(validated, np.flatnonzero(groups != 3))


@pytest.mark.parametrize("n_folds", [2, 3, 7])
def test_as_many_folds_in_time_as_asked_for_each_after_all_that_it_trains_on(n_folds: int) -> None:
    times = np.random.default_rng(0).permutation(800)

    folds = make_folds(times % 2, kind="time", n_folds=n_folds, seed=0, times=column(times))

    assert len(folds) == n_folds
    for train, valid in folds:
        assert set(times[train]) == set(range(times[valid].min()))
    together = np.concatenate([times[valid] for _, valid in folds])
    assert set(together) == set(range(-(-800 // (n_folds + 1)), 800))


def test_folds_of_a_hash_split_keep_its_groups_whole() -> None:
    groups = np.arange(100) // 5

    by_group = make_folds(np.arange(100) % 2, kind="hash", n_folds=4, seed=0, groups=column(groups))
    by_row = make_folds(np.arange(100) % 2, kind="hash", n_folds=4, seed=0)

    assert all(not set(groups[train]) & set(groups[valid]) for train, valid in by_group)
    assert [len(valid) for _, valid in by_row] == [25] * 4
