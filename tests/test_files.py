from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from mltrain import files
from mltrain.errors import EnvironmentRefusal


def test_text_arrives_whole_and_parents_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "größe.txt"

    files.write_text(path, "drei Äpfel\n")

    assert path.read_bytes() == "drei Äpfel\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["größe.txt"]


def test_json_keeps_the_order_of_keys_and_refuses_nan(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"z": 1, "a": ["é", None]})

    assert list(json.loads((tmp_path / "a.json").read_text("utf-8"))) == ["z", "a"]
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "a.json", {"z": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["z"] == 1


def test_a_block_that_raises_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")

    def write_half() -> None:
        with files.atomic_path(path) as partial:
            partial.write_bytes(b"new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_path_given_keeps_the_suffix(tmp_path: Path) -> None:
    with files.atomic_path(tmp_path / "rows.parquet") as partial:
        partial.write_bytes(b"x")

        assert partial.suffix == ".parquet"
        assert partial.parent == tmp_path


def test_a_directory_replaces_an_older_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with files.atomic_directory(path) as partial:
        (partial / "old.bin").write_bytes(b"1")

    with files.atomic_directory(path) as partial:
        (partial / "deep").mkdir()
        (partial / "deep" / "new.bin").write_bytes(b"2")

    assert [p.relative_to(path).as_posix() for p in sorted(path.rglob("*"))] == ["deep", "deep/new.bin"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_block_that_raises_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with files.atomic_directory(path) as partial:
        (partial / "old.bin").write_bytes(b"1")

    def write_half() -> None:
        with files.atomic_directory(path) as partial:
            (partial / "new.bin").write_bytes(b"2")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()

    assert [p.name for p in path.iterdir()] == ["old.bin"]
    assert list(tmp_path.iterdir()) == [path]


def test_lines_are_appended_and_a_torn_one_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    files.append_line(path, '{"a": 1}')
    with path.open("a") as file:
        file.write('{"torn')

    files.append_line(path, '{"b": 2}\n')

    assert path.read_text("utf-8").splitlines() == ['{"a": 1}', '{"torn', '{"b": 2}']


def test_hash_is_that_of_the_content(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(data)

    assert files.sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileNotFoundError):
        files.sha256(tmp_path / "b")


def test_a_file_in_the_place_of_a_folder_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")

    with pytest.raises(EnvironmentRefusal) as caught:
        files.write_text(tmp_path / "runs" / "a.txt", "x")

    assert caught.value.exit_code == 6
    assert caught.value.where == str(tmp_path / "runs" / "a.txt")


def test_too_many_open_files_are_told_apart_from_missing_permissions(tmp_path: Path) -> None:
    refused = files.refusal(OSError(errno.EMFILE, "Too many open files"), tmp_path)

    assert refused is not None
    assert "ulimit -n" in str(refused.hint)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_the_environment(tmp_path: Path, code: int) -> None:
    with (
        pytest.raises(EnvironmentRefusal, match=r"rows\.parquet") as caught,
        files.disk_errors(tmp_path / "rows.parquet"),
    ):
        raise OSError(code, os.strerror(code))

    assert isinstance(caught.value.__cause__, OSError)


def test_another_fault_of_the_system_passes_through(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), files.disk_errors(tmp_path):
        raise ConnectionResetError(errno.ECONNRESET, "reset")


def _hold(path: Path, held: multiprocessing.synchronize.Event, done: multiprocessing.synchronize.Event) -> None:
    with files.lock(path, 5):
        held.set()
        done.wait(20)


def test_a_lock_held_by_another_process_is_refused_in_time_and_then_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "x.lock", held, done))
    other.start()
    try:
        assert held.wait(20)
        with (
            pytest.raises(EnvironmentRefusal, match=r"another process holds x\.lock"),
            files.lock(tmp_path / "x.lock", 0.1),
        ):
            pass
    finally:
        done.set()
        other.join(20)

    with files.lock(tmp_path / "x.lock", 0.1):
        assert (tmp_path / "x.lock").exists()
