"""A source that is written to while `mltrain split` reads it is refused, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands import split as command
from mltrain.commands.split import division, split
from mltrain.config import Config, DataSection, SplitSection
from mltrain.errors import DataError
from mltrain.workspace import Workspace

N = 900
ORDER = np.random.default_rng(0).permutation(N)
CHANGES = {
    "shuffled": lambda table: table.take(ORDER),
    "appended to": lambda table: pa.concat_tables([table, table.slice(0, 100)]),
    "cut": lambda table: table.slice(0, 700),
    "emptied": lambda table: table.slice(0, 0),
}
OTHER_FEATURE = {"another feature": lambda table: table.set_column(1, "x", pa.array(np.zeros(N)))}


def rows() -> pa.Table:
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "customer": [f"c{i % 97}" for i in range(N)],
            "x": rng.normal(size=N),
            "label": np.where(rng.random(N) < 0.3, "yes", "no").tolist(),
        }
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows" / "part.parquet"
    path.parent.mkdir()
    pq.write_table(rows(), path)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "work")


@pytest.fixture
def between_the_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Give a function that lets something happen between the two passes over the rows."""
    original = division.write_parts

    def register(happen: Callable[[], object]) -> None:
        def after(*arguments: object, **named: object) -> object:
            happen()
            return original(*arguments, **named)

        monkeypatch.setattr(division, "write_parts", after)

    return register


def config(source: Path, **data: object) -> Config:
    section = DataSection(**{"source": str(source), "target": "label", **data})
    return Config(data=section, split=SplitSection(kind="group", group_column="customer"))


@pytest.mark.parametrize("change", [*CHANGES.values(), *OTHER_FEATURE.values()], ids=[*CHANGES, *OTHER_FEATURE])
def test_a_file_written_anew_between_the_passes_is_refused(
    change: Callable[[pa.Table], pa.Table], source: Path, workspace: Workspace, between_the_passes: Callable
) -> None:
    between_the_passes(lambda: pq.write_table(change(rows()), source))

    with pytest.raises(DataError, match="the source changed while it was read") as caught:
        split(config(source), workspace)

    assert caught.value.where == str(source)
    assert list(workspace.data.iterdir()) == []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("place", ["source", "test_source"])
def test_rows_that_changed_are_refused_where_the_source_cannot_tell(
    place: str,
    change: Callable[[pa.Table], pa.Table],
    source: Path,
    workspace: Workspace,
    between_the_passes: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "describe_sources", lambda _: ())
    test_source = source.parent.parent / "test.parquet"
    shutil.copy(source, test_source)
    between_the_passes(lambda: pq.write_table(change(rows()), source if place == "source" else test_source))

    with pytest.raises(DataError, match="the source changed while it was read"):
        split(config(source, test_source=str(test_source)), workspace)

    assert list(workspace.data.iterdir()) == []


def test_the_last_split_stays_where_the_next_one_is_refused(
    source: Path, workspace: Workspace, between_the_passes: Callable
) -> None:
    split(config(source), workspace)
    before = {path: path.read_bytes() for path in workspace.data.iterdir()}
    pq.write_table(rows().slice(100), source)
    between_the_passes(lambda: pq.write_table(rows().slice(200), source))

    with pytest.raises(DataError, match="the source changed while it was read"):
        split(config(source), workspace)

    assert {path: path.read_bytes() for path in workspace.data.iterdir()} == before


def test_what_a_removed_file_led_to_is_told_as_what_it_is(
    source: Path, workspace: Workspace, between_the_passes: Callable
) -> None:
    between_the_passes(source.unlink)

    with pytest.raises(DataError, match="the source changed while it was read"):
        split(config(source), workspace)


def test_a_file_that_was_touched_and_a_new_one_beside_it_do_not_matter(
    source: Path, workspace: Workspace, between_the_passes: Callable
) -> None:
    def happen() -> None:
        os.utime(source, (1, 1))
        shutil.copy(source, source.with_name("z.parquet"))

    between_the_passes(happen)

    result = split(config(source.parent), workspace)

    assert sum(part.rows for part in result.splits) == N
