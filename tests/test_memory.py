from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from pyarrow import compute

from mltrain.memory import available_bytes, give_back

V1_UNLIMITED = 9223372036854771712


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n", encoding="utf-8")


def test_without_control_groups_it_is_what_the_machine_has_free(tmp_path: Path) -> None:
    assert available_bytes(tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_a_container_allows_less_and_files_it_can_drop_count_as_free(tmp_path: Path) -> None:
    write(tmp_path / "proc/self", cgroup="0::/docker/abc")
    group = tmp_path / "sys/fs/cgroup/docker/abc"
    write(group, memory__max=1_000_000, memory__current=700_000, memory__stat="anon 5\ninactive_file 200000")
    write(tmp_path / "sys/fs/cgroup/docker", memory__max="max", memory__current=10**12)

    assert available_bytes(tmp_path) == 500_000


def test_a_group_above_may_allow_still_less(tmp_path: Path) -> None:
    write(tmp_path / "proc/self", cgroup="0::/docker/abc")
    write(tmp_path / "sys/fs/cgroup/docker/abc", memory__max=1_000_000, memory__current=0)
    write(tmp_path / "sys/fs/cgroup/docker", memory__max=300_000, memory__current=400_000)

    assert available_bytes(tmp_path) == 0


def test_the_first_version_of_control_groups_is_read_too(tmp_path: Path) -> None:
    write(tmp_path / "proc/self", cgroup="4:cpu,cpuacct:/\n3:memory:/job\n0::/")
    root = tmp_path / "sys/fs/cgroup/memory"
    write(root, memory__limit_in_bytes=V1_UNLIMITED, memory__usage_in_bytes=10)
    write(root / "job", memory__limit_in_bytes=50_000, memory__usage_in_bytes=20_000)

    assert available_bytes(tmp_path) == 30_000


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators give back when they please")
def test_what_was_let_go_of_is_given_back_to_the_system() -> None:
    process, column = psutil.Process(), pa.array(np.arange(100_000))
    give_back()
    before = process.memory_info().rss
    table = pa.table({f"{i}": compute.add(column, i) for i in range(200)})
    assert process.memory_info().rss - before > 120_000_000  # 160 MB

    del table
    give_back()

    assert process.memory_info().rss - before < 60_000_000
