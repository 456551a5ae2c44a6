"""Rows assigned to splits: disjoint, complete, in the shares asked for."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mltrain.config import SplitSection
from mltrain.data.text import group_codes
from mltrain.errors import ConfigError, DataError
from mltrain.splitting import assign_rows
from mltrain.splitting.chronology import check_cut_offs, row_moments
from mltrain.splitting.keys import hash_keys

labels = arrays(np.int64, st.integers(30, 200), elements=st.integers(0, 3))
seeds = st.integers(0, 2**31 - 1)
sizes = st.sampled_from([0.1, 0.2, 0.25, 0.3])


def column(values: object, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def section(kind: str = "stratified", **keys: object) -> SplitSection:
    return SplitSection(kind=kind, group_column="g", time_column="t", **keys)


def split_rows(
    y: NDArray,
    plan: SplitSection,
    *,
    seed: int,
    groups: pa.ChunkedArray | None = None,
    times: pa.ChunkedArray | None = None,
    keys: pa.ChunkedArray | None = None,
    has_test: bool = False,
) -> Mapping[str, NDArray]:
    check_cut_offs(plan, None if times is None else times.type)
    hashes = None if keys is None else hash_keys(keys, seed=seed, where="split.key_column")
    assigned = assign_rows(
        y,
        plan,
        seed=seed,
        groups=None if groups is None else group_codes(groups),
        moments=None if times is None else row_moments(times),
        keys=hashes,
        has_test=has_test,
    )
    return {name: assigned.positions(name) for name in assigned.names}


def assert_disjoint_and_complete(splits: Mapping[str, NDArray], n_rows: int) -> None:
    together = np.concatenate(list(splits.values()))
    assert np.array_equal(np.sort(together), np.arange(n_rows))
    for rows in splits.values():
        assert np.all(np.diff(rows) > 0)


@given(y=labels, seed=seeds, test=sizes, validation=sizes, calibration=st.sampled_from([0.0, 0.1, 0.2]))
def test_stratified_split_keeps_class_shares_within_one_row(
    y: NDArray, seed: int, test: float, validation: float, calibration: float
) -> None:
    plan = section(test_size=test, validation_size=validation, calibration_size=calibration)

    splits = split_rows(y, plan, seed=seed)

    assert_disjoint_and_complete(splits, len(y))
    assert ("calibration" in splits) == (calibration > 0)
    counts = np.bincount(y)
    for name, share in (("test", test), ("validation", validation), ("calibration", calibration)):
        if share:
            found = np.bincount(y[splits[name]], minlength=len(counts))
            assert np.all(np.abs(found - share * counts) < 1 + 1e-9)
    assert set(y[splits["train"]]) == set(y)


@given(y=labels, seed=seeds)
def test_random_split_has_its_shares_and_depends_on_the_seed_alone(y: NDArray, seed: int) -> None:
    splits = split_rows(y, section("random"), seed=seed)

    assert_disjoint_and_complete(splits, len(y))
    assert abs(len(splits["test"]) - 0.2 * len(y)) <= 0.5 + 1e-9
    again = split_rows(np.zeros_like(y), section("random"), seed=seed)
    assert all(np.array_equal(splits[name], again[name]) for name in splits)


@given(y=labels, seed=seeds, n_groups=st.integers(6, 60), has_test=st.booleans())
def test_groups_stay_whole(y: NDArray, seed: int, n_groups: int, has_test: bool) -> None:
    groups = np.random.default_rng(seed).integers(n_groups, size=len(y))
    groups[:n_groups][: len(y)] = np.arange(n_groups)[: len(y)]

    splits = split_rows(y, section("group"), seed=seed, groups=column(groups), has_test=has_test)

    assert_disjoint_and_complete(splits, len(y))
    assert len(splits) == (2 if has_test else 3)
    owners = [set(groups[rows]) for rows in splits.values()]
    assert sum(len(owner) for owner in owners) == len(set.union(*owners))


def test_group_split_keeps_shares_of_rows_and_classes_with_many_groups() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(3000, size=20_000)
    y = (rng.random(20_000) < 0.02 + 0.3 * (groups % 10 == 0)).astype(np.int64)

    splits = split_rows(y, section("group"), seed=1, groups=column([f"kunde {g}" for g in groups]))

    for name, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        assert len(splits[name]) / len(y) == pytest.approx(share, abs=0.01)
        assert y[splits[name]].mean() == pytest.approx(y.mean(), abs=0.01)


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    y = np.arange(100) % 2

    splits = split_rows(y, section("group"), seed=0, groups=column([None] * 100, pa.string()))

    assert [len(splits[name]) for name in ("train", "validation", "test")] == [60, 20, 20]


@given(moments=st.lists(st.integers(0, 50), min_size=40, max_size=150).map(np.array), calibration=st.booleans())
def test_time_split_runs_forward(moments: NDArray, calibration: bool) -> None:
    y = np.arange(len(moments)) % 2
    plan = section("time", calibration_size=0.1 if calibration else 0.0)
    try:
        splits = split_rows(y, plan, seed=0, times=column(moments))
    except DataError as error:
        assert "would have none" in error.message  # noqa: PT017 -- most rows share a moment
        return

    assert_disjoint_and_complete(splits, len(y))
    order = [name for name in ("train", "validation", "calibration", "test") if name in splits]
    for earlier, later in itertools.pairwise(order):
        assert moments[splits[earlier]].max() < moments[splits[later]].min()


def test_time_split_by_shares_of_distinct_moments_is_exact() -> None:
    times = np.random.default_rng(0).permutation(100)

    splits = split_rows(np.arange(100) % 2, section("time"), seed=0, times=column(times))

    assert times[splits["test"]].min() == 80
    assert times[splits["validation"]].min() == 60
    assert len(splits["train"]) == 60


@given(st.lists(st.floats(allow_nan=False, width=32), min_size=1))
def test_moments_are_ordered_like_the_numbers_of_a_column(numbers: list[float]) -> None:
    moments = row_moments(column(numbers, pa.float64()))

    for (a, first), (b, second) in itertools.pairwise(sorted(zip(numbers, moments, strict=True))):
        assert (a < b) == (first < second)


DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(100)]


@pytest.mark.parametrize(
    "times",
    [
        column(DAYS),
        column([str(day) for day in DAYS]),
        column([dt.datetime(d.year, d.month, d.day) for d in DAYS], pa.timestamp("ns", "UTC")),
        column([str(day) for day in DAYS]).dictionary_encode(),
    ],
)
def test_cut_off_dates_are_kept(times: pa.ChunkedArray) -> None:
    plan = section("time", validation_from=DAYS[50], test_from=dt.datetime(2024, 3, 31), calibration_size=0.2)

    splits = split_rows(np.arange(100) % 2, plan, seed=0, times=times)

    assert splits["train"].tolist() == list(range(50))
    assert splits["test"].tolist() == list(range(90, 100))
    assert splits["validation"].tolist() == list(range(50, 70))
    assert splits["calibration"].tolist() == list(range(70, 90))


def test_validation_share_is_taken_of_what_precedes_the_cut_off() -> None:
    splits = split_rows(np.arange(100) % 2, section("time", test_from=DAYS[40]), seed=0, times=column(DAYS))

    assert [len(splits[name]) for name in ("train", "validation", "test")] == [30, 10, 60]


@given(seed=seeds, n_groups=st.integers(10, 40))
def test_group_time_split_runs_forward_with_whole_groups(seed: int, n_groups: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(n_groups, size=300)
    moments = groups * 10 + rng.integers(25, size=300)
    y = np.arange(300) % 2

    splits = split_rows(y, section("group_time"), seed=0, groups=column(groups), times=column(moments))

    together = np.concatenate(list(splits.values()))
    assert len(together) == len(set(together)) <= 300
    for earlier, later in (("train", "validation"), ("validation", "test")):
        assert moments[splits[earlier]].max() < moments[splits[later]].min()
        assert not set(groups[splits[earlier]]) & set(groups[splits[later]])
    cut = moments[splits["validation"]].min()
    starts = np.array([moments[groups == group].min() for group in groups])
    assert set(np.flatnonzero((starts < cut) & (moments < cut))) == set(splits["train"])


@pytest.mark.parametrize("kind", ["stratified", "random", "group", "group_time", "hash"])
@given(y=labels, seed=seeds)
def test_with_keys_the_split_does_not_depend_on_the_order_of_rows(kind: str, y: NDArray, seed: int) -> None:
    keys = np.array([f"schlüssel-{i}" for i in range(len(y))])
    groups = y * 10 + np.arange(len(y)) % 10
    moments = groups * 3 + np.arange(len(y)) % 7
    order = np.random.default_rng(seed).permutation(len(y))

    def keys_by_split(rows: NDArray) -> dict[str, set[str]] | str:
        columns = {"keys": column(keys[rows]), "groups": column(groups[rows]), "times": column(moments[rows])}
        try:
            splits = split_rows(y[rows], section(kind, key_column="k"), seed=seed, **columns)
        except DataError as error:
            return error.message  # a split would be empty: then in any order
        return {name: set(keys[rows][positions]) for name, positions in splits.items()}

    assert keys_by_split(np.arange(len(y))) == keys_by_split(order)


@given(n_rows=st.integers(60, 400), n_more=st.integers(0, 400), seed=seeds, calibration=st.sampled_from([0.0, 0.1]))
def test_hash_split_keeps_rows_where_they_are_when_rows_are_appended(
    n_rows: int, n_more: int, seed: int, calibration: float
) -> None:
    keys = np.arange(n_rows + n_more) * 7
    plan = SplitSection(kind="hash", key_column="k", calibration_size=calibration, test_size=0.3, validation_size=0.3)
    y = np.zeros(n_rows + n_more, dtype=int)

    before = split_rows(y[:n_rows], plan, seed=seed, keys=column(keys[:n_rows]))
    after = split_rows(y, plan, seed=seed, keys=column(keys))

    assert_disjoint_and_complete(after, n_rows + n_more)
    for name, rows in before.items():
        assert np.array_equal(after[name][after[name] < n_rows], rows)


def test_hash_split_has_about_the_shares_asked_for() -> None:
    plan = SplitSection(kind="hash", key_column="k", calibration_size=0.1)

    splits = split_rows(np.zeros(100_000, dtype=int), plan, seed=3, keys=column(range(100_000)))

    shares = {name: len(rows) / 100_000 for name, rows in splits.items()}
    expected = {"train": 0.5, "validation": 0.2, "calibration": 0.1, "test": 0.2}
    assert shares == {name: pytest.approx(share, abs=0.01) for name, share in expected.items()}


def test_a_seed_gives_the_same_split_and_another_seed_another() -> None:
    y = np.arange(1000) % 3

    first, again, other = (split_rows(y, section(), seed=seed)["test"] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("plan", "times", "error", "message"),
    [
        (section(test_size=0.5, validation_size=0.5), None, ConfigError, "leave none to train on"),
        (section("time", test_from=DAYS[3]), column(range(100)), ConfigError, "holds numbers"),
        (section("time", test_from=dt.date(2030, 1, 1)), column(DAYS), DataError, "split 'test' would have none"),
        (section("time"), column([None, *DAYS[1:]]), DataError, "1 rows have no time"),
        (section("time"), column([None, *range(99)]), DataError, "1 rows have no time"),
        (section("time"), column(["2024-01-01", "soon"] * 50), DataError, "'soon' is not a time"),
        (section("time"), column(["2024-01-01", "17/05/2021"] * 50), DataError, "'17/05/2021' is not a time"),
        (section("time"), column([7] * 100), DataError, "would have none"),
    ],
)
def test_what_cannot_be_split_is_refused(
    plan: SplitSection, times: pa.ChunkedArray | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        split_rows(np.arange(100) % 2, plan, seed=0, times=times)


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(DataError, match="would have none") as caught:
        split_rows(np.arange(10) % 2, section("group"), seed=0, groups=column(["a", "b"] * 5))

    assert "too few groups" in str(caught.value.hint)
