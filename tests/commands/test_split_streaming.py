"""Splits of tables that pass by some rows at a time: the same as if they were in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.split import deciding, division, parts, split
from mltrain.commands.split.parts import PartByKey, PartInOrder
from mltrain.config import Config, DataSection, SplitSection
from mltrain.data import sampling
from mltrain.errors import DataError
from mltrain.splitting.keys import mixed
from mltrain.workspace import Workspace

N = 3000


def rows(n: int = N) -> pa.Table:
    rng = np.random.default_rng(5)
    return pa.table(
        {
            "id": pa.array(np.arange(n) * 3),
            "customer": pa.array([f"c{i % 97}" for i in range(n)]),
            "day": pa.array(np.datetime64("2024-01-01") + rng.integers(200, size=n)),
            "x": rng.normal(size=n),
            "label": pa.array(np.where(rng.random(n) < 0.2, "yes", "no").astype(object)),
        }
    )


def config(source: Path, **plan: object) -> Config:
    return Config(data=DataSection(source=str(source), target="label"), split=SplitSection(**plan))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "work")


@pytest.fixture
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROW_GROUP_BYTES", 1)
    monkeypatch.setattr(parts, "FEWEST_ROWS", 100)


@pytest.mark.parametrize(
    "plan",
    [
        {"kind": "stratified"},
        {"kind": "random", "key_column": "id"},
        {"kind": "group", "group_column": "customer"},
        {"kind": "time", "time_column": "day"},
        {"kind": "group_time", "group_column": "customer", "time_column": "day"},
        {"kind": "hash", "key_column": "id"},
        {"kind": "hash", "group_column": "customer"},
    ],
    ids=lambda plan: "-".join(plan.values()),
)
def test_many_files_and_small_row_groups_split_like_one_table(
    plan: dict, tmp_path: Path, workspace: Workspace, small_buckets: None
) -> None:
    whole, many = tmp_path / "whole.parquet", tmp_path / "many"
    pq.write_table(rows(), whole)
    many.mkdir()
    for part in range(4):
        pq.write_table(rows().slice(part * 800, 800), many / f"{part}.parquet", row_group_size=77)

    once = split(config(whole, **plan), Workspace(root=tmp_path / "once"))
    again = split(config(many, **plan), workspace)

    assert [(part.name, part.rows) for part in once.splits] == [(part.name, part.rows) for part in again.splits]
    assert once.fingerprint == again.fingerprint
    together = pa.concat_tables([pq.read_table(workspace.split(part.name)) for part in again.splits])
    if plan["kind"] != "group_time":
        assert together.sort_by("id").equals(rows())


@pytest.mark.parametrize("plan", [{"kind": "stratified"}, {"kind": "random", "key_column": "id"}])
def test_dictionaries_that_differ_from_batch_to_batch_are_brought_together(
    plan: dict, tmp_path: Path, workspace: Workspace, small_buckets: None
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    levels = pa.array([f"level {i // 20}" for i in range(N)])  # 150 in all, more than the index of one batch can tell
    table = rows().append_column("level", levels)
    small = pa.dictionary(pa.int8(), pa.string())
    for part in range(30):
        piece = table.slice(part * 100, 100)
        piece = piece.set_column(5, "level", piece["level"].combine_chunks().dictionary_encode().cast(small))
        pq.write_table(piece, many / f"{part:02}.parquet")

    result = split(config(many, **plan), workspace)

    together = pa.concat_tables([pq.read_table(workspace.split(part.name)) for part in result.splits]).sort_by("id")
    assert together["level"].cast(pa.string()).to_pylist() == levels.to_pylist()


def test_rows_whose_hashes_are_all_alike_are_spread_over_the_buckets(tmp_path: Path, small_buckets: None) -> None:
    table, keys = rows(), np.random.default_rng(0).integers(2**60, size=N, dtype=np.uint64)
    folder = tmp_path / "buckets"
    part = PartByKey(PartInOrder(tmp_path / "a.parquet", table.schema), table.schema, n_rows=N, folder=folder)

    part.add(table.combine_chunks().to_batches()[0], keys)

    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert len(sizes) == 32
    assert max(sizes) < 2 * np.mean(sizes)
    part.finish()


def test_hash_split_sends_whole_groups_to_one_side_and_they_stay_when_rows_are_appended(
    tmp_path: Path, workspace: Workspace
) -> None:
    few, more = tmp_path / "few.parquet", tmp_path / "more.parquet"
    pq.write_table(rows().slice(0, 1000), few)
    pq.write_table(rows(), more)
    plan = {"kind": "hash", "group_column": "customer"}

    split(config(few, **plan), workspace)
    before = {name: set(pq.read_table(workspace.split(name))["customer"].to_pylist()) for name in ("train", "test")}
    split(config(more, **plan), workspace)
    after = {name: set(pq.read_table(workspace.split(name))["customer"].to_pylist()) for name in ("train", "test")}

    assert before == after
    assert not after["train"] & after["test"]


@pytest.mark.parametrize("most_files", [0, 3, 8, 64])
def test_rows_by_key_are_in_the_order_of_their_hashes_however_many_buckets_they_need(
    most_files: int, tmp_path: Path, small_buckets: None, fingerprint: Callable[[pa.Table], str]
) -> None:
    table, keys = rows(), np.random.default_rng(0).integers(2**64, size=N, dtype=np.uint64)
    order, folder = PartInOrder(tmp_path / "a.parquet", table.schema), tmp_path / "buckets"
    part = PartByKey(order, table.schema, n_rows=N, folder=folder, most_files=most_files)

    for start in range(0, N, 700):
        batch = table.slice(start, 700).combine_chunks().to_batches()[0]
        part.add(batch, keys[start : start + 700])
    written = part.finish()

    expected = table.take(pa.array(np.argsort(mixed(keys, seed=1))))
    assert pq.read_table(written.path).equals(expected)
    assert (written.rows, written.fingerprint) == (N, fingerprint(expected))
    assert [path for path in folder.rglob("*") if path.is_file()] == []


FEW_FILES = """
import resource, sys
import pyarrow.parquet as pq
from pathlib import Path
from mltrain.commands.split import parts, split
from mltrain.config import Config, DataSection, SplitSection
from mltrain.workspace import Workspace

resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
parts.ROW_GROUP_BYTES, parts.FEWEST_ROWS = 1, 10  # or it takes 12,000,000 rows of 100 columns to need so many files
plan = SplitSection(kind="random", key_column="id")
split(Config(data=DataSection(source=sys.argv[1], target="label"), split=plan), Workspace(root=Path(sys.argv[2])))
"""


def test_rows_by_key_need_few_open_files(tmp_path: Path, workspace: Workspace) -> None:
    pq.write_table(rows(6 * N), tmp_path / "rows.parquet")
    arguments = [str(tmp_path / "rows.parquet"), str(workspace.root)]

    process = subprocess.run(
        [sys.executable, "-c", FEW_FILES, *arguments], capture_output=True, text=True, check=False, timeout=300
    )

    assert process.returncode == 0, process.stderr
    sizes = [pq.read_metadata(workspace.split(name)).num_rows for name in ("train", "validation", "test")]
    assert sizes == [3.6 * N, 1.2 * N, 1.2 * N]


def test_a_target_of_ever_more_values_is_told_to_be_a_number(tmp_path: Path, workspace: Workspace) -> None:
    values = np.concatenate([np.zeros(131_072), np.random.default_rng(0).normal(size=40_000)])
    pq.write_table(pa.table({"x": np.arange(len(values)), "label": values}), tmp_path / "rows.parquet")

    with pytest.raises(DataError, match="the target is a number with 40001 values"):
        split(config(tmp_path / "rows.parquet"), workspace)


def test_groups_may_be_numbers_of_any_size(tmp_path: Path, workspace: Workspace) -> None:
    n = 200_000  # more than a batch: the first fits into four bytes, the second does not
    groups = np.repeat(np.arange(n // 10), 10) + np.where(np.arange(n) < 140_000, 0, 2**40)
    table = pa.table({"group": groups, "x": np.arange(n) / 7, "label": np.arange(n) % 2})
    pq.write_table(table, tmp_path / "rows.parquet")

    split(config(tmp_path / "rows.parquet", kind="group", group_column="group"), workspace)

    sides = [set(pq.read_table(workspace.split(name))["group"].to_pylist()) for name in ("train", "validation", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides)) == n // 10


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_groups_named_by_long_texts_take_eight_bytes_a_row(kind: pa.DataType) -> None:
    names = pa.chunked_array([[f"{i % 97:0200d}" for i in range(N)]]).cast(kind)

    kept = deciding._brief(names, seed=0)

    assert sum(chunk.nbytes for chunk in kept) == 8 * N


def test_rows_without_a_group_are_counted_and_whole_groups_go_to_one_side(tmp_path: Path, workspace: Workspace) -> None:
    names = pa.array([None if i % 10 == 0 else f"c{i // 6}" for i in range(N)])
    pq.write_table(rows().set_column(1, "customer", names), tmp_path / "rows.parquet")

    result = split(config(tmp_path / "rows.parquet", kind="group", group_column="customer"), workspace)

    sides = [set(pq.read_table(workspace.split(part.name))["customer"].to_pylist()) - {None} for part in result.splits]
    assert sum(map(len, sides)) == len(set.union(*sides)) == N // 6
    assert any("300" in finding.message for finding in result.findings)


def test_row_groups_have_one_size_whatever_the_batches_were(tmp_path: Path, small_buckets: None) -> None:
    table = rows(1050)
    part = PartInOrder(tmp_path / "a.parquet", table.schema)

    for start in range(0, 1050, 33):
        part.add(table.slice(start, 33).combine_chunks().to_batches()[0])
    part.finish()

    metadata = pq.read_metadata(tmp_path / "a.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [100] * 10 + [50]
    encodings = [set(metadata.row_group(0).column(i).encodings) for i in (3, 4)]
    assert ["RLE_DICTIONARY" in found for found in encodings] == [True, True]  # 100 values are few


def test_what_a_sample_says_is_confirmed_on_all_rows(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "MOST_ROWS", 200)
    monkeypatch.setattr(sampling, "FEWEST_ROWS", 100)
    once = [1] * (N - 1) + [2]
    texts = [f"{i}.5" for i in range(N - 1)]
    table = rows().append_column("odd", pa.array([*texts, "n/a"])).append_column("same", pa.array(once))
    table = table.append_column("price", pa.array([*texts, "7"]))
    pq.write_table(table.take(np.random.default_rng(1).permutation(N)), tmp_path / "rows.parquet")
    plan = {"kind": "time", "time_column": "day", "test_from": "2024-07-18"}  # the last day or two

    result = split(config(tmp_path / "rows.parquet", **plan), workspace)

    kinds = {column.name: (column.kind.value, column.reason) for column in result.columns}
    assert kinds["odd"] == ("category", "text: not numbers on every row")
    assert kinds["same"] == ("numeric", "not the same on every row")
    assert kinds["price"] == ("numeric", "numbers stored as text")
    assert sum(part.rows for part in result.splits) == N


def test_nothing_unfinished_is_left_beside_the_splits(tmp_path: Path, workspace: Workspace) -> None:
    source = tmp_path / "rows.parquet"
    pq.write_table(rows(), source)
    abandoned, other = workspace.data / ".split-dead", workspace.data / ".split-busy"
    for folder in (abandoned, other):
        folder.mkdir(parents=True)
    os.utime(abandoned, (time.time() - 90_000,) * 2)

    split(config(source), workspace)
    with pytest.raises(DataError):
        split(config(source, kind="time", time_column="day", test_from="2030-01-01"), workspace)

    assert sorted(path.name for path in workspace.data.iterdir()) == [
        ".split-busy",
        "split.json",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]


def test_a_seed_draws_the_same_sample_again_and_a_key_makes_it_independent_of_the_order_of_rows() -> None:
    parts_of_rows = np.zeros(1000, dtype=np.uint8)
    keys = np.random.default_rng(0).integers(2**64, size=1000, dtype=np.uint64)
    order = np.random.default_rng(1).permutation(1000)

    first, again, other = (division._sample(parts_of_rows, None, size=50, seed=seed) for seed in (1, 1, 2))
    keyed = division._sample(parts_of_rows, keys, size=50, seed=1)
    shuffled = division._sample(parts_of_rows, keys[order], size=50, seed=1)

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert set(keys[keyed]) == set(keys[order][shuffled])
